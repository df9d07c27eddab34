/** Whether a document's kind and apiVersion are misspelt ones of Weft's, or somebody else's affair. */
import type { FaultCodeName } from '#/api/fault-codes.ts'
import { type KindName, kinds } from '#/api/kinds.ts'
import { nearest } from './suggestion.ts'

export interface KindFault {
  code: FaultCodeName
  path: readonly string[]
  message: string
  cure: string
  severity: 'error' | 'warning'
  /** The kind that was probably meant. */
  meant?: KindName
}

/** Kinds of the same groups that Weft does not read, lest one of them count as a misspelling. */
const otherKinds = new Set([
  ...['Binding', 'Endpoints', 'Event', 'LimitRange', 'List', 'Node', 'PersistentVolume'],
  ...['PersistentVolumeClaim', 'PodTemplate', 'ReplicationController', 'ResourceQuota', 'Secret'],
  ...['ControllerRevision', 'DaemonSet', 'ReplicaSet', 'StatefulSet'],
  ...['Gateway', 'GatewayClass', 'ListenerSet'],
])

const names = Object.keys(kinds) as KindName[]

/** The apiVersions that an object of the kind may have, the preferred one first. */
function versionsOf(kind: KindName): string[] {
  const { def } = kinds[kind].schema.shape.apiVersion as {
    def: { values?: string[]; entries?: Record<string, string> }
  }
  return def.values ?? Object.values(def.entries ?? {})
}

/** @returns undefined when kind and apiVersion fit, and when the object is none of Weft's. */
export function kindFault(kind: unknown, apiVersion: unknown): KindFault | undefined {
  if (typeof kind !== 'string' || kind === '') return missing('kind', 'kind: Service')
  if (kind in kinds) return versionFault(kind as KindName, apiVersion)
  if (typeof apiVersion !== 'string' || apiVersion === '') return missing('apiVersion', 'apiVersion: v1')
  const guess = otherKinds.has(kind) ? undefined : nearest(kind, names)
  if (!guess || !isOurGroup(apiVersion)) return undefined
  return {
    code: 'unknown-kind',
    path: ['kind'],
    message: `${kind} is a kind that Weft does not read`,
    cure: `did you mean ${guess}?`,
    severity: 'warning',
    meant: guess as KindName,
  }
}

function missing(field: string, example: string): KindFault {
  const cure = `every object has apiVersion and kind, like ${example}`
  return { code: 'missing-field', path: [field], message: `${field} is missing`, cure, severity: 'error' }
}

function versionFault(kind: KindName, apiVersion: unknown): KindFault | undefined {
  const known = versionsOf(kind)
  if (known.includes(String(apiVersion))) return undefined
  const cure = `write apiVersion: ${known[0]!}`
  if (typeof apiVersion !== 'string' || apiVersion === '') return { ...missing('apiVersion', cure), cure, meant: kind }
  // A group that has nothing to do with Kubernetes' own has a kind of the same name.
  if (!isOurGroup(apiVersion)) return undefined
  return {
    code: 'wrong-value',
    path: ['apiVersion'],
    message: `${kind} has no apiVersion ${apiVersion}`,
    cure,
    severity: 'error',
    meant: kind,
  }
}

/** Kubernetes' own groups have no dot or end with k8s.io; a slip of the pen is near one of those that Weft reads. */
function isOurGroup(apiVersion: string): boolean {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  if (!group.includes('.') || group.endsWith('.k8s.io')) return true
  const groups = Object.values(kinds).map((row) => row.group)
  return (
    nearest(
      group,
      groups.filter((one) => one.includes('.')),
    ) !== undefined
  )
}
