/**
 * The kinds that are read from a cluster, and what is kept of each object: memory follows what the mesh uses, not what the cluster
 * holds. A field that a newer Kubernetes adds to its own kinds is dropped here, so that it is no fault.
 */
import { type KindName, kinds } from '#/api/kinds.ts'
import type { ApiObject } from '#/kubernetes/resource.ts'
import { pluralOf, type Resource } from '#/kubernetes/resource.ts'

type Fields = Record<string, unknown>

/** Kinds of a laptop only: in a cluster Pods say all that Deployments do. */
const unread: ReadonlySet<KindName> = new Set(['Deployment'])

export const watchedKinds: readonly KindName[] = (Object.keys(kinds) as KindName[]).filter((kind) => !unread.has(kind))

/** The versions that Weft reads, the preferred one first. */
export function resourcesOf(kind: KindName): Resource[] {
  const { group, isNamespaced, schema } = kinds[kind]
  const { def } = schema.shape.apiVersion as { def: { values?: string[]; entries?: Record<string, string> } }
  const versions = def.values ?? Object.values(def.entries ?? {})
  return versions.map((version) => ({
    group,
    version: version.split('/').at(-1)!,
    plural: pluralOf(kind),
    isNamespaced,
  }))
}

/** An object as Weft keeps it. Lists carry neither `kind` nor `apiVersion` in their items. */
export function trimObject(kind: KindName, object: ApiObject): ApiObject {
  const { group } = kinds[kind]
  const { version } = resourcesOf(kind)[0]!
  const apiVersion = object.apiVersion ?? (group === '' ? version : `${group}/${version}`)
  const kept = (trims[kind] ?? withoutStatus)(object as unknown as Fields)
  return { apiVersion, kind, metadata: trimMetadata(object.metadata), ...kept } as ApiObject
}

const metadataFields = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'uid',
]
/** Written by tools for themselves, and as long as the object. */
const foreignAnnotations = /^(kubectl\.kubernetes\.io\/last-applied-configuration|kubernetes\.io\/psp|.*helm\.sh\/.*)$/

function trimMetadata(metadata: ApiObject['metadata']): ApiObject['metadata'] {
  const kept = pick(metadata, [...metadataFields, 'resourceVersion'])
  const { annotations, ownerReferences } = metadata as {
    annotations?: Record<string, string>
    ownerReferences?: Fields[]
  }
  if (annotations)
    kept.annotations = Object.fromEntries(
      Object.entries(annotations).filter(([name]) => !foreignAnnotations.test(name)),
    )
  if (ownerReferences) kept.ownerReferences = ownerReferences.map((owner) => pick(owner, ['kind', 'name']))
  return kept as ApiObject['metadata']
}

const trims: Partial<Record<KindName, (object: Fields) => Fields>> = {
  Namespace: () => ({}),
  ServiceAccount: () => ({}),
  Service: ({ spec }) => ({ spec: pick(spec, serviceFields) }),
  Pod: trimPod,
  EndpointSlice: ({ addressType, endpoints, ports }) => ({
    addressType,
    endpoints: list(endpoints).map((one) => pick(one, ['addresses', 'conditions', 'targetRef', 'zone', 'nodeName'])),
    ...(ports ? { ports: list(ports).map((one) => pick(one, ['name', 'port', 'protocol', 'appProtocol'])) } : {}),
  }),
  // Other ConfigMaps hold what is none of ours: only authorities' certificates are read (BackendTLSPolicy).
  ConfigMap: ({ data }) => ({ data: pick(data, ['ca.crt']) }),
}

const serviceFields = Object.keys(kinds.Service.schema.shape.spec.shape)

function trimPod({ spec, status }: Fields): Fields {
  const { containers, initContainers, ...rest } = spec as { containers?: unknown; initContainers?: unknown } & Fields
  const container = (one: unknown): Fields => {
    const kept = pick(one, ['name', 'ports', 'restartPolicy'])
    if (kept.ports) kept.ports = list(kept.ports).map((port) => pick(port, ['name', 'containerPort', 'protocol']))
    return kept
  }
  const known = pick(rest, [
    'serviceAccountName',
    'nodeName',
    'terminationGracePeriodSeconds',
    'hostNetwork',
    'hostname',
    'subdomain',
  ])
  const { conditions, ...seen } = pick(status, ['phase', 'podIP', 'podIPs', 'conditions'])
  return {
    spec: {
      ...known,
      containers: list(containers).map(container),
      ...(initContainers ? { initContainers: list(initContainers).map(container) } : {}),
    },
    status: {
      ...seen,
      ...(conditions ? { conditions: list(conditions).map((one) => pick(one, ['type', 'status'])) } : {}),
    },
  }
}

function withoutStatus({
  apiVersion: _version,
  kind: _kind,
  metadata: _metadata,
  status: _status,
  ...rest
}: Fields): Fields {
  return rest
}

function pick(from: unknown, names: readonly string[]): Fields {
  const source = (from ?? {}) as Fields
  const kept: Fields = {}
  for (const name of names) if (source[name] !== undefined && source[name] !== null) kept[name] = source[name]
  return kept
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
