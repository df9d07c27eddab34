/** What somebody can do with a mesh that has just come up: pure. */
import type { Service } from '#/api/core.ts'
import type { Resources } from '#/control/source/resources.ts'
import type { Entrance, SampleCall, WorkloadAddresses } from './mesh-event.ts'
import type { WorkloadPlan } from './workload-plan.ts'

export interface HintOptions {
  resources: Resources
  plans: readonly WorkloadPlan[]
  workloads: readonly WorkloadAddresses[]
}

export function hintsFor(options: HintOptions): { entrances: Entrance[]; call?: SampleCall } {
  const services = [...options.resources.of('Service').values()].map(({ value }) => value)
  const entrances = services
    .filter(({ spec }) => spec.type === 'LoadBalancer' || spec.type === 'NodePort')
    .flatMap((service) => {
      const url = workloadsBehind(service, options)[0]?.inbound
      return url ? [{ service: nameOf(service), url: `${url}/` }] : []
    })
  const call = sampleCall(services, options)
  return { entrances, ...(call ? { call } : {}) }
}

/**
 * To a Service that a route of requests stands before, if there is one, at the path of its readiness probe, which surely
 * answers; else to one that is known to speak HTTP by such a probe.
 */
function sampleCall(services: readonly Service[], options: HintOptions): SampleCall | undefined {
  const routed = new Set(
    [...options.resources.of('HTTPRoute').values()].flatMap(({ value: { metadata, spec } }) =>
      (spec.parentRefs ?? []).map(({ namespace, name }) => `${namespace ?? metadata.namespace ?? 'default'}/${name}`),
    ),
  )
  const called = services.filter(
    (service) => portOf(service) !== undefined && workloadsBehind(service, options).length > 0,
  )
  const isProbed = (one: Service): boolean => probeOf(one, options) !== undefined
  const service = called.find((one) => routed.has(nameOf(one))) ?? called.find(isProbed) ?? called[0]
  const proxy = options.workloads.find(({ outbound }) => outbound)?.outbound
  if (!service || !proxy) return undefined
  const { name, namespace = 'default' } = service.metadata
  const port = portOf(service)
  const path = probeOf(service, options)?.path ?? '/'
  return { proxy, url: `http://${name}.${namespace}${port === 80 ? '' : `:${port}`}${path}` }
}

/** Its first one that takes connections. */
function portOf({ spec }: Service): number | undefined {
  return spec.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.port
}

function probeOf(service: Service, options: HintOptions) {
  return plansBehind(service, options)[0]?.containers[0]?.readinessProbe?.httpGet
}

function nameOf({ metadata }: Service): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`
}

function plansBehind(service: Service, { plans }: HintOptions): WorkloadPlan[] {
  const { namespace = 'default' } = service.metadata
  const selector = Object.entries(service.spec.selector ?? {})
  if (selector.length === 0) return []
  return plans.filter(
    (plan) => plan.namespace === namespace && selector.every(([label, value]) => plan.labels[label] === value),
  )
}

function workloadsBehind(service: Service, options: HintOptions): WorkloadAddresses[] {
  const plans = plansBehind(service, options)
  return options.workloads.filter(({ namespace, name, inbound }) =>
    plans.some((plan) => inbound && plan.namespace === namespace && plan.name === name),
  )
}
