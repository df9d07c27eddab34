/** What is to run, from the Deployments: pure, so that `weft up` and its tests see the same plan. */
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import type { Container, Deployment, Probe } from '#/api/core.ts'
import type { Resources, Sourced } from '#/control/source/resources.ts'

export interface ContainerPort {
  port: number
  name: string
  protocol: 'TCP' | 'UDP'
}

/** A variable with its value, or with the field of the pod that it takes (`metadata.name`). */
export type EnvironmentEntry = { name: string; value: string } | { name: string; field: string }

/** A container that runs here as a process. */
export interface ContainerPlan {
  name: string
  image?: string
  argv: string[]
  /** Absolute: the folder of the YAML file, or `workingDir` below it. */
  folder: string
  environment: EnvironmentEntry[]
  ports: ContainerPort[]
  readinessProbe?: Probe
}

/** A Deployment that runs here. */
export interface WorkloadPlan {
  namespace: string
  name: string
  replicas: number
  labels: Record<string, string>
  annotations: Record<string, string>
  serviceAccount: string
  /** Whether its containers are told of Services by variables. */
  hasServiceLinks: boolean
  /** Time between SIGTERM and SIGKILL, ms. */
  graceMs: number
  containers: ContainerPlan[]
  /** Differs when a replica has to be started anew to follow a change. */
  hash: string
}

/** A Deployment that can't run here, with the reason and what to do, as sentences for people. */
export interface LeftOut {
  namespace: string
  name: string
  reason: string
}

export interface Machine {
  /** Our own Node: what a command `node` runs. */
  node: string
  /** Folders in which commands are looked for, as in `PATH`. */
  path: string
}

export function planWorkloads(
  resources: Resources,
  machine: Machine,
): { workloads: WorkloadPlan[]; leftOut: LeftOut[] } {
  const workloads: WorkloadPlan[] = []
  const leftOut: LeftOut[] = []
  for (const sourced of resources.of('Deployment').values()) {
    const { name, namespace = 'default' } = sourced.value.metadata
    const plan = planWorkload(sourced, machine)
    if (typeof plan === 'string') leftOut.push({ namespace, name, reason: plan })
    else workloads.push(plan)
  }
  return { workloads, leftOut }
}

/** A text is the reason why it can't run. */
function planWorkload({ value, origin }: Sourced<Deployment>, machine: Machine): WorkloadPlan | string {
  const { name, namespace = 'default' } = value.metadata
  const { metadata, spec } = value.spec.template
  const runnable = spec.containers.filter(({ command }) => command && command.length > 0)
  if (runnable.length === 0) return 'none of its containers has a `command`; add one that runs on this machine'
  const containers: ContainerPlan[] = []
  for (const container of runnable) {
    const plan = planContainer(container, dirname(resolve(origin.file)), machine)
    if (typeof plan === 'string') return plan
    containers.push(plan)
  }
  const parts = {
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    serviceAccount: spec.serviceAccountName ?? 'default',
    hasServiceLinks: spec.enableServiceLinks ?? true,
    graceMs: (spec.terminationGracePeriodSeconds ?? 30) * 1000,
    containers,
  }
  return { namespace, name, replicas: value.spec.replicas ?? 1, ...parts, hash: hashOf(parts) }
}

function planContainer(container: Container, fileFolder: string, machine: Machine): ContainerPlan | string {
  const { name, image, command = [], args = [], env = [], ports = [], readinessProbe } = container
  const folder = resolve(fileFolder, container.workingDir ?? '.')
  if (!existsSync(folder)) {
    return `its workingDir ${container.workingDir} is not on this machine; leave it out, or make it relative to the YAML file`
  }
  const environment = planEnvironment(env)
  if (typeof environment === 'string') return environment
  const program = findProgram(command[0]!, folder, machine)
  if (!program) return `${command[0]} is not on this machine; install it, or leave the workload out`
  return {
    name,
    ...(image ? { image } : {}),
    argv: [program, ...command.slice(1), ...args],
    folder,
    environment,
    ports: ports.flatMap(({ containerPort, name = '', protocol = 'TCP' }) =>
      protocol === 'SCTP' ? [] : [{ port: containerPort, name, protocol }],
    ),
    ...(readinessProbe ? { readinessProbe } : {}),
  }
}

/** ConfigMaps and Secrets live in a cluster; what takes a value from one can't start without a word about it. */
function planEnvironment(entries: NonNullable<Container['env']>): EnvironmentEntry[] | string {
  const environment: EnvironmentEntry[] = []
  for (const { name, value, valueFrom } of entries) {
    const from = valueFrom as { fieldRef?: { fieldPath?: unknown } } | undefined
    const field = from?.fieldRef?.fieldPath
    if (typeof field === 'string') environment.push({ name, field })
    else if (from) return `its variable ${name} takes a value from what only a cluster has; give it a plain \`value\``
    else environment.push({ name, value: value ?? '' })
  }
  return environment
}

/** `node` is our own Node; a path is relative to the folder; a word is looked up in PATH. Undefined when it is not there. */
function findProgram(word: string, folder: string, { node, path }: Machine): string | undefined {
  if (word === 'node') return node
  if (word.includes('/')) return isFile(resolve(folder, word)) ? resolve(folder, word) : undefined
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((one) => join(one, word))
    .find(isFile)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** Ten letters and digits, as Kubernetes' `pod-template-hash`, here five: enough among the versions of one Deployment. */
function hashOf(parts: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest()
  const letters = 'bcdfghjklmnpqrstvwxz2456789'
  return [...digest.subarray(0, 5)].map((byte) => letters[byte % letters.length]).join('')
}
