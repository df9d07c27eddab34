/** Checks across objects that need no translation: what a selector, an account or a port name points to. */
import type { Deployment, Service } from '#/api/core.ts'
import type { Fault, Resources, Sourced } from './resources.ts'

function finding(
  object: string,
  sourced: Sourced<unknown>,
  parts: { code: string; field: string; message: string; cure: string; severity?: Fault['severity'] },
): Fault {
  return {
    severity: parts.severity ?? 'warning',
    code: parts.code,
    object,
    origin: sourced.locate(parts.field),
    field: parts.field,
    message: parts.message,
    cure: parts.cure,
  }
}

function deploymentFaults(key: string, sourced: Sourced<Deployment>, resources: Resources): Fault[] {
  const { value } = sourced
  const object = `Deployment/${key}`
  const namespace = value.metadata.namespace ?? 'default'
  const faults: Fault[] = []
  const account = value.spec.template.spec.serviceAccountName
  if (account && account !== 'default' && !resources.of('ServiceAccount').has(`${namespace}/${account}`)) {
    faults.push(
      finding(object, sourced, {
        code: 'dangling-service-account',
        severity: 'error',
        field: 'spec.template.spec.serviceAccountName',
        message: `there is no ServiceAccount ${account} in namespace ${namespace}`,
        cure: 'create it, or correct the name',
      }),
    )
  }
  const labels = value.spec.template.metadata.labels ?? {}
  for (const [name, wanted] of Object.entries(value.spec.selector.matchLabels ?? {})) {
    if (labels[name] === wanted) continue
    faults.push(
      finding(object, sourced, {
        code: 'selector-mismatch',
        severity: 'error',
        field: `spec.selector.matchLabels.${name}`,
        message: `the template's pods have no label ${name}: ${wanted}`,
        cure: 'give selector and template the same labels',
      }),
    )
  }
  return faults
}

function serviceFaults(key: string, sourced: Sourced<Service>, resources: Resources): Fault[] {
  const { value } = sourced
  const { selector, ports = [] } = value.spec
  if (!selector || Object.keys(selector).length === 0) return []
  const namespace = value.metadata.namespace ?? 'default'
  const templates = [...resources.of('Deployment').values()].map(({ value: deployment }) => deployment)
  const selected = templates.filter(
    ({ metadata, spec }) =>
      (metadata.namespace ?? 'default') === namespace &&
      Object.entries(selector).every(([name, wanted]) => spec.template.metadata.labels?.[name] === wanted),
  )
  const hasPod = [...resources.of('Pod').values()].some(
    ({ value: pod }) =>
      (pod.metadata.namespace ?? 'default') === namespace &&
      Object.entries(selector).every(([name, wanted]) => pod.metadata.labels?.[name] === wanted),
  )
  const object = `Service/${key}`
  if (selected.length === 0) {
    if (hasPod) return []
    return [
      finding(object, sourced, {
        code: 'selects-nothing',
        field: 'spec.selector',
        message: 'no Deployment and no Pod of this namespace has these labels',
        cure: 'compare with the labels of the pod template',
      }),
    ]
  }
  const names = new Set(
    selected.flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap((container) => (container.ports ?? []).map(({ name }) => name)),
    ),
  )
  return ports.flatMap((port, index) => {
    if (typeof port.targetPort !== 'string' || names.has(port.targetPort)) return []
    const known = [...names].filter((name) => name !== undefined).join(', ') || 'none'
    return [
      finding(object, sourced, {
        code: 'dangling-target-port',
        severity: 'error',
        field: `spec.ports[${index}].targetPort`,
        message: `no container has a port named ${port.targetPort}`,
        cure: `there is ${known}`,
      }),
    ]
  })
}

/** Faults of references between objects; those of routes are found by translation. */
export function lintResources(resources: Resources): Fault[] {
  return [
    ...[...resources.of('Deployment')].flatMap(([key, sourced]) => deploymentFaults(key, sourced, resources)),
    ...[...resources.of('Service')].flatMap(([key, sourced]) => serviceFaults(key, sourced, resources)),
  ]
}
