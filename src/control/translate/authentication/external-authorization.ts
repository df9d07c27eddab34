/** AuthenticationPolicies → the server that each workload asks about its requests. Of several policies the most specific one that names a server holds. */
import type { AuthenticationPolicy } from '#/api/authentication-policy.ts'
import { durationMs } from '#/api/duration.ts'
import type { ExternalAuthorizationSpec } from '#/api/external-authorization.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import type { LoadAssignment } from '#/model/endpoint.ts'
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import { formatDestination, type Service } from '#/model/service.ts'
import type { Workload } from '#/model/workload.ts'
import { type Finding, faultOf } from '../fault.ts'
import { type AttachedPolicy, attachPolicies, targetKey, targetsWorkload } from '../policy-target.ts'
import { listPorts, missingServiceCure, servicesIn } from '../route/backend-reference.ts'
import type { ServiceIndex } from '../service.ts'

/** Envoy's own, ms. */
const defaultTimeoutMs = 200

interface Compiled {
  attached: AttachedPolicy<AuthenticationPolicy>
  rules: ExternalAuthorization
  served: Backend['served']
}

interface Backend {
  cluster: string
  /** Whom the Service selects, ready or not; absent where it has no selector. */
  served?: { namespace: string; labels: Readonly<Record<string, string>> }
  finding?: Finding
}

export class AuthorizationServers {
  /** In force, the most specific first. */
  readonly #compiled: readonly Compiled[]
  readonly #assignments: ReadonlyMap<string, LoadAssignment>
  readonly faults: readonly Fault[]

  constructor(options: {
    resources: Resources
    services: ServiceIndex
    assignments: ReadonlyMap<string, LoadAssignment>
  }) {
    const { resources, services, assignments } = options
    this.#assignments = assignments
    const faults: Fault[] = []
    const taken = new Set<string>()
    const compiled: Compiled[] = []
    for (const attached of attachPolicies(resources.of('AuthenticationPolicy').values())) {
      const { externalAuthorization: spec } = attached.policy.spec
      const key = targetKey(attached.target)
      if (!spec || taken.has(key)) continue
      taken.add(key)
      const backend = backendOf(spec, attached.ref.namespace, { resources, services })
      if (backend.finding) faults.push(faultOf(attached.ref, attached.sourced, backend.finding))
      compiled.push({ attached, rules: rulesOf(spec, backend), served: backend.served })
    }
    this.#compiled = compiled
    this.faults = faults
  }

  /** The same workloads where no policy names a server. */
  applyTo(workloads: Map<string, Workload>): Map<string, Workload> {
    if (this.#compiled.length === 0) return workloads
    return new Map([...workloads].map(([id, workload]) => [id, this.#withRules(workload)]))
  }

  #withRules(workload: Workload): Workload {
    const found = this.#compiled.find(({ attached }) => targetsWorkload(attached.target, workload))
    // Who is asked would ask itself, and that question itself again.
    if (!found || this.#serves(workload, found)) return workload
    return { ...workload, externalAuthorization: found.rules }
  }

  #serves({ namespace, pod, labels }: Workload, { rules, served }: Compiled): boolean {
    const isSelected = (): boolean => Object.entries(served!.labels).every(([name, value]) => labels[name] === value)
    if (served && served.namespace === namespace && isSelected()) return true
    const endpoints = this.#assignments.get(rules.service.cluster)?.endpoints ?? []
    return endpoints.some(({ workload }) => workload?.pod === pod && workload.namespace === namespace)
  }
}

/** What can't be asked lets nobody pass: its name leads to no cluster. */
function backendOf(
  { backendRef, protocol }: ExternalAuthorizationSpec,
  from: string,
  { resources, services }: { resources: Resources; services: ServiceIndex },
): Backend {
  const { name, namespace = from, port } = backendRef
  const entry = services.entries.get(`${namespace}/${name}`)
  const host = entry?.service.host ?? `${name}.${namespace}.svc.cluster.local`
  const cluster = formatDestination({ host, port })
  const labels = resources.of('Service').get(`${namespace}/${name}`)?.value.spec.selector ?? {}
  const selected = Object.keys(labels).length > 0 ? { served: { namespace, labels } } : {}
  const at = (field: string, message: string, cure: string): Backend => ({
    cluster,
    ...selected,
    finding: { code: 'authorization-server', field: `spec.externalAuthorization.backendRef${field}`, message, cure },
  })
  if (!entry) {
    const cure = missingServiceCure(name, servicesIn(services, namespace))
    return at('.name', `There is no Service ${name} in namespace ${namespace}: nobody is let pass.`, cure)
  }
  return checkPort(entry.service, port, protocol) ?? { cluster, ...selected }

  function checkPort(service: Service, wanted: number, spoken: 'GRPC' | 'HTTP'): Backend | undefined {
    const found = service.ports.find((one) => one.port === wanted)
    if (!found) return at('.port', `Service ${name} has no port ${wanted}.`, `Use one of ${listPorts(service.ports)}.`)
    const fitting = spoken === 'GRPC' ? ['grpc', 'http2', 'auto'] : ['http', 'http2', 'auto']
    if (fitting.includes(found.protocol)) return undefined
    const cure =
      spoken === 'GRPC'
        ? 'Write `appProtocol: kubernetes.io/h2c` at the port.'
        : 'Write `appProtocol: http` at the port.'
    return at('.port', `Port ${wanted} of Service ${name} speaks ${found.protocol}, not ${spoken}.`, cure)
  }
}

function rulesOf(spec: ExternalAuthorizationSpec, { cluster }: Backend): ExternalAuthorization {
  const { forwardBody, failureMode, timeout } = spec
  return {
    service: serviceOf(spec, cluster),
    timeoutMs: timeout === undefined ? defaultTimeoutMs : durationMs(timeout),
    onFailure: failureMode === 'Allow' ? 'allow' : 'deny',
    statusOnError: 403,
    ...(forwardBody
      ? { body: { bytesMax: forwardBody.maxSize, mayBePartial: forwardBody.allowPartial ?? false } }
      : {}),
  }
}

const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase())

function serviceOf(
  { protocol, grpc, http }: ExternalAuthorizationSpec,
  cluster: string,
): ExternalAuthorization['service'] {
  if (protocol === 'GRPC') {
    const { allowedHeaders } = grpc ?? {}
    return { type: 'grpc', cluster, ...(allowedHeaders ? { headers: lower(allowedHeaders) } : {}) }
  }
  const { path = '', allowedHeaders = [], allowedResponseHeaders } = http ?? {}
  return {
    type: 'http',
    cluster,
    authority: cluster,
    pathPrefix: path.replace(/\/$/, ''),
    headers: lower(allowedHeaders),
    ...(allowedResponseHeaders ? { requestHeaders: lower(allowedResponseHeaders) } : {}),
  }
}
