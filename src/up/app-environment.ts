/** The environment of an application process: what a container would see, and the way out through its sidecar. */
import type { Service } from '#/api/core.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { ContainerPlan, WorkloadPlan } from './workload-plan.ts'

export interface AppEnvironmentOptions {
  /** What this machine's programs see: PATH, HOME and the like. */
  inherited: Readonly<Record<string, string | undefined>>
  workload: WorkloadPlan
  container: ContainerPlan
  pod: string
  podAddress: string
  /** Where the application is to listen, by the container's port. */
  listen: ReadonlyMap<number, HostPort>
  /** The sidecar's address for calls; absent where the kernel redirects them. */
  outbound?: HostPort
  /** Services of the namespace, each with the address of each of its ports. */
  services: readonly { service: Service; addresses: ReadonlyMap<number, HostPort> }[]
}

/** Variables of the user's shell that would lead calls past the mesh, or that mean something to Weft alone. */
const dropped = /^(https?_proxy|all_proxy|no_proxy|node_use_env_proxy|weft_.*|npm_.*|port|host|node_test_context)$/i

export function appEnvironment(options: AppEnvironmentOptions): Record<string, string> {
  const { inherited, workload, container, pod, podAddress } = options
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && !dropped.test(name)) environment[name] = value
  }
  Object.assign(environment, {
    ...(workload.hasServiceLinks ? serviceVariables(options.services) : {}),
    HOSTNAME: pod,
    POD_NAME: pod,
    POD_NAMESPACE: workload.namespace,
    POD_IP: podAddress,
  })
  for (const entry of container.environment) {
    environment[entry.name] =
      'value' in entry ? expand(entry.value, environment) : podField(entry.field, { workload, pod, podAddress })
  }
  return Object.assign(environment, listenVariables(options), proxyVariables(options.outbound))
}

/** The command with `$(NAME)` replaced as Kubernetes does; `$$(NAME)` stays `$(NAME)`, unknown names stay as they are. */
export function expandArguments(argv: readonly string[], environment: Readonly<Record<string, string>>): string[] {
  return argv.map((word) => expand(word, environment))
}

function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([\w.-]+)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (environment[name] ?? whole),
  )
}

/** `PORT` is the container's first port, `PORT_HTTP` the one called http. They win over values meant for a cluster. */
function listenVariables({ container, listen }: AppEnvironmentOptions): Record<string, string> {
  const variables: Record<string, string> = {}
  container.ports.forEach(({ port, name }, i) => {
    const address = listen.get(port)
    if (!address) return
    if (i === 0) Object.assign(variables, { PORT: String(address.port), HOST: address.host })
    if (name) variables[`PORT_${variableName(name)}`] = String(address.port)
  })
  return variables
}

/**
 * Programs that know `http_proxy` send plain HTTP to the sidecar. Loopback alone stays out: the explicit listeners are
 * there, and the application itself. Names of Services are never in `no_proxy`.
 */
function proxyVariables(outbound: HostPort | undefined): Record<string, string> {
  if (!outbound) return {}
  const url = `http://${outbound.host}:${outbound.port}`
  const around = 'localhost,127.0.0.1,::1'
  return { http_proxy: url, HTTP_PROXY: url, no_proxy: around, NO_PROXY: around, NODE_USE_ENV_PROXY: '1' }
}

/**
 * `REVIEWS_SERVICE_HOST`, `REVIEWS_SERVICE_PORT`, `REVIEWS_SERVICE_PORT_HTTP`, and the variables of Docker's links
 * (`REVIEWS_PORT=tcp://…`), as a kubelet sets them (pkg/kubelet/envvars). The numbers in names are those of the Service.
 */
function serviceVariables(services: AppEnvironmentOptions['services']): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const { service, addresses } of services) {
    const prefix = variableName(service.metadata.name)
    service.spec.ports?.forEach(({ port, name, protocol = 'TCP' }, i) => {
      const address = addresses.get(port)
      if (!address) return
      const url = `${protocol.toLowerCase()}://${address.host}:${address.port}`
      if (i === 0) {
        variables[`${prefix}_SERVICE_HOST`] = address.host
        variables[`${prefix}_SERVICE_PORT`] = String(address.port)
        variables[`${prefix}_PORT`] = url
      }
      if (name) variables[`${prefix}_SERVICE_PORT_${variableName(name)}`] = String(address.port)
      const link = `${prefix}_PORT_${port}_${protocol}`
      variables[link] = url
      variables[`${link}_PROTO`] = protocol.toLowerCase()
      variables[`${link}_PORT`] = String(address.port)
      variables[`${link}_ADDR`] = address.host
    })
  }
  return variables
}

function variableName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

/** Fields of the downward API that a process here has; the others are empty. */
function podField(field: string, pod: { workload: WorkloadPlan; pod: string; podAddress: string }): string {
  const { labels, annotations, namespace, serviceAccount } = pod.workload
  const [, kind, key] = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(field) ?? []
  if (key !== undefined) return (kind === 'labels' ? labels : annotations)[key] ?? ''
  const fields: Record<string, string> = {
    'metadata.name': pod.pod,
    'metadata.namespace': namespace,
    'spec.serviceAccountName': serviceAccount,
    'spec.nodeName': 'localhost',
    'status.podIP': pod.podAddress,
    'status.hostIP': pod.podAddress,
  }
  return fields[field] ?? ''
}
