/** What stands in the audit log: a line of JSON each. */
import type { TrafficDecision } from '#/model/traffic.ts'

/** A request or stream that was refused, or let through and audited. */
export type DecisionEntry = { type: 'decision'; at: string; node: string; workload: string } & Omit<
  TrafficDecision,
  'atMs'
>

/** Decisions that a sidecar made too fast for all of them to be read. */
export interface LostEntry {
  type: 'lost'
  at: string
  node: string
  workload: string
  count: number
}

/** What was changed in the configuration. */
export interface ChangeEntry {
  type: 'change'
  at: string
  change: 'created' | 'changed' | 'deleted'
  /** `AccessPolicy/shop/orders` */
  object: string
  /** Where it is written: `policies/orders.yaml:12`, or in a cluster who wrote it last. */
  by: string
  /** Of the object as Kubernetes counts it, where it does; else of the configuration as this control plane read it since its start. */
  generation: number
  fields: readonly FieldChange[]
}

/** The configuration that a control plane began with: what was changed while it was away is not told. */
export interface StartEntry {
  type: 'start'
  at: string
  objects: number
}

export type AuditEntry = DecisionEntry | LostEntry | ChangeEntry | StartEntry

export interface FieldChange {
  /** `spec.rules[0].to` */
  path: string
  /** Absent: it was not there. JSON, cut where it is long, blackened where it could be secret. */
  before?: unknown
  after?: unknown
}
