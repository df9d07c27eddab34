/** A mesh from YAML alone, with a workload for each Deployment, whether anything runs or not. */
import type { Deployment, Pod } from '#/api/core.ts'
import type { Kinds } from '#/api/kinds.ts'
import { identityAnnotation, redirectedAnnotation } from '#/api/pod-annotations.ts'
import type { Fault, Resources, Sourced } from '#/control/source/resources.ts'
import type { Mesh } from '#/model/mesh.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'

export interface OfflineMesh {
  mesh: Mesh
  resources: Resources
  faults: readonly Fault[]
  trustDomain: string
}

/** @param paths files or folders. */
export async function readMesh(paths: readonly string[], trustDomain: string): Promise<OfflineMesh> {
  const { readOnce } = await import('#/control/source/file-source.ts')
  const { translate } = await import('#/control/translate/translate.ts')
  const read = readOnce(paths)
  const resources = withPods(read.resources)
  const { mesh, faults } = translate(resources, { trustDomain })
  return { mesh, resources, faults: [...read.faults, ...faults], trustDomain }
}

/** A Pod of each Deployment, as its controller would make it, with a sidecar. */
function withPods(resources: Resources): Resources {
  const pods = new Map<string, Sourced<Pod>>(resources.of('Pod'))
  for (const [key, sourced] of resources.of('Deployment')) pods.set(key, { ...sourced, value: podOf(sourced.value) })
  return {
    of: <K extends keyof Kinds>(kind: K) =>
      kind === 'Pod' ? (pods as unknown as ReturnType<typeof resources.of<K>>) : resources.of(kind),
  }
}

function podOf({ metadata, spec }: Deployment): Pod {
  const { labels, annotations } = spec.template.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [redirectedAnnotation]: 'true', [identityAnnotation]: 'spiffe' },
    },
    spec: spec.template.spec,
  } as Pod
}

export interface CalledPort {
  workload: Workload
  port: WorkloadPort
}

/**
 * The ports of workloads behind `orders.shop:80`, one of each workload.
 * @throws RangeError when there is no such Service, port or workload; the message says what there is.
 */
export function findCalled({ mesh, resources }: OfflineMesh, to: string): CalledPort[] {
  const [, host = '', number] = /^(.*?)(?::(\d+))?$/.exec(to) ?? []
  const [name = '', namespace = 'default'] = host.split('.')
  const sourced = resources.of('Service').get(`${namespace}/${name}`)
  if (!sourced) {
    const known = [...resources.of('Service').keys()].map((key) => key.split('/').reverse().join('.'))
    throw new RangeError(`there is no Service ${name}.${namespace}; there are: ${known.join(', ') || 'none'}`)
  }
  const { selector, ports = [] } = sourced.value.spec
  const port = number === undefined ? ports[0] : ports.find((one) => one.port === Number(number))
  if (!port)
    throw new RangeError(`${to} has no such port; it has: ${ports.map((one) => one.port).join(', ') || 'none'}`)
  const target = port.targetPort ?? port.port
  const called = [...mesh.workloads.values()].flatMap((workload): CalledPort[] => {
    const isBehind =
      workload.namespace === namespace &&
      selector !== undefined &&
      Object.entries(selector).every(([label, value]) => workload.labels[label] === value)
    const found = isBehind ? workload.ports.find((one) => one.port === target || one.name === target) : undefined
    return found ? [{ workload, port: found }] : []
  })
  if (called.length === 0) throw new RangeError(`no Deployment or Pod behind ${to} has port ${target}`)
  return called
}
