/** What the control plane can be asked about: the shapes of its HTTP API (`docs/reference/api.md`). */

import type { FederationReport } from '#/identity/federation/federated-bundles.ts'
import type { Mesh, ObjectStatus } from '#/model/mesh.ts'
import type { ResourceKind } from '#/xds/resources/resource.ts'
import type { AuthorityReport, RotationCommand } from '../identity/identity-plane.ts'
import type { Fault } from '../source/resources.ts'
import type { Records } from './record-pages.ts'

/** One type on one proxy's stream. */
export interface ProxyTypeReport {
  /** Names it subscribed to, `*` for everything. */
  subscribed: string[]
  /** Resources sent, and of those acknowledged in their present version. */
  sent: number
  acknowledged: number
  /** Its last refusal, while it stands. */
  rejected?: { at: string; version: string; message: string }
}

export interface ProxyReport {
  /** `POD.NAMESPACE` */
  node: string
  namespace: string
  workload: string
  pod: string
  userAgent: string
  userAgentVersion: string
  isConnected: boolean
  /** ISO 8601: since when it is connected, or not. */
  since: string
  /** `127.0.0.1:PORT` of its admin endpoint, where known. */
  admin?: string
  types: Partial<Record<ResourceKind, ProxyTypeReport>>
  /** Connected, and everything sent is acknowledged. */
  isSynced: boolean
}

export interface ControlState {
  proxies(): ProxyReport[]
  statuses(): readonly ObjectStatus[]
  faults(): readonly Fault[]
  mesh(): Mesh | undefined
  /** The first configuration is served. */
  isReady(): boolean
  /** Prometheus text. */
  metrics(): string
  /** What was called, decided and changed. */
  records?: Records
  /** Where there is identity. */
  authority?: {
    report(): AuthorityReport
    /** @returns why it can't be done now, or the report after it was. */
    rotate(command: RotationCommand): AuthorityReport | string
    /** The SPIFFE bundle document. */
    federation(): FederationReport[]
    bundleDocument(): string
  }
}
