/** The admin endpoint's `/config_dump` of a proxy as tables. */
import type { RouteAction, RouteConfiguration, RouteMatch, ValueMatch } from '#/model/route.ts'
import { type Column, formatTable } from './table.ts'

export const configTypes = ['listener', 'route', 'cluster', 'endpoint'] as const
export type ConfigType = (typeof configTypes)[number]

interface ListenerLine {
  name: string
  address?: { host: string; port: number } | string
  direction?: string
  state?: string
  protocol?: string
  target?: { type: string; routes?: { type: string; name?: string } }
}

interface DestinationLine {
  name: string
  state: string
  routes: string
  trouble: string
}

interface ClusterLine {
  name: string
  discovery?: { type: string }
  loadBalancing?: string
  protocol?: string
  state?: string
}

interface EndpointLine {
  cluster: string
  address: string
  health: string
  weight: number
  workload: string
  active: number
  requests: number
  failures: number
}

/** What of the dump is shown; other fields pass through in JSON and YAML. */
export interface ProxyConfig {
  listeners?: ListenerLine[]
  destinations?: DestinationLine[]
  routes?: RouteConfiguration[]
  clusters?: ClusterLine[]
  endpoints?: EndpointLine[]
}

export function partOf(config: ProxyConfig, type: ConfigType): object {
  if (type === 'listener') return { listeners: config.listeners ?? [], destinations: config.destinations ?? [] }
  return (type === 'route' ? config.routes : type === 'cluster' ? config.clusters : config.endpoints) ?? []
}

export function configTable(
  config: ProxyConfig,
  options: { type: ConfigType | undefined; header: (title: string) => string },
): string {
  const { type, header } = options
  const parts: string[] = []
  if (!type || type === 'listener') {
    parts.push(formatTable(listenerColumns, config.listeners ?? [], header))
    if (config.destinations?.length) parts.push(formatTable(destinationColumns, config.destinations, header))
  }
  if (!type || type === 'route') parts.push(formatTable(routeColumns, (config.routes ?? []).flatMap(linesOf), header))
  if (!type || type === 'cluster') parts.push(formatTable(clusterColumns, config.clusters ?? [], header))
  if (!type || type === 'endpoint') parts.push(formatTable(endpointColumns, config.endpoints ?? [], header))
  return parts.join('\n')
}

const listenerColumns: Column<ListenerLine>[] = [
  { title: 'LISTENER', cell: ({ name }) => name },
  {
    title: 'ADDRESS',
    cell: ({ address }) => (typeof address === 'object' ? `${address.host}:${address.port}` : (address ?? '')),
  },
  { title: 'DIRECTION', cell: ({ direction = '' }) => direction },
  { title: 'SPEAKS', cell: ({ protocol = 'http' }) => protocol },
  { title: 'ROUTES', cell: ({ target }) => target?.routes?.name ?? target?.routes?.type ?? target?.type ?? '' },
  { title: 'STATE', cell: ({ state = '' }) => state },
]

const destinationColumns: Column<DestinationLine>[] = [
  { title: 'CALLED', cell: ({ name }) => name },
  { title: 'ROUTES', cell: ({ routes }) => routes },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'TROUBLE', cell: ({ trouble }) => trouble },
]

const clusterColumns: Column<ClusterLine>[] = [
  { title: 'CLUSTER', cell: ({ name }) => name },
  { title: 'DISCOVERY', cell: ({ discovery }) => discovery?.type ?? '' },
  { title: 'BALANCING', cell: ({ loadBalancing = '' }) => loadBalancing },
  { title: 'PROTOCOL', cell: ({ protocol = '' }) => protocol },
  { title: 'STATE', cell: ({ state = '' }) => state },
]

const endpointColumns: Column<EndpointLine>[] = [
  { title: 'CLUSTER', cell: ({ cluster }) => cluster },
  { title: 'ADDRESS', cell: ({ address }) => address },
  { title: 'WORKLOAD', cell: ({ workload }) => workload },
  { title: 'HEALTH', cell: ({ health }) => health },
  { title: 'WEIGHT', isRight: true, cell: ({ weight }) => String(weight) },
  { title: 'ACTIVE', isRight: true, cell: ({ active }) => String(active) },
  { title: 'REQUESTS', isRight: true, cell: ({ requests }) => String(requests) },
  { title: 'FAILURES', isRight: true, cell: ({ failures }) => String(failures) },
]

interface RouteLine {
  configuration: string
  domains: string
  match: string
  action: string
  rule: string
}

const routeColumns: Column<RouteLine>[] = [
  { title: 'ROUTES OF', cell: ({ configuration }) => configuration },
  { title: 'HOSTS', cell: ({ domains }) => domains },
  { title: 'MATCH', cell: ({ match }) => match },
  { title: 'GOES TO', cell: ({ action }) => action },
  { title: 'RULE', cell: ({ rule }) => rule },
]

function linesOf({ name, virtualHosts }: RouteConfiguration): RouteLine[] {
  return virtualHosts.flatMap(({ domains, routes }) =>
    routes.map(({ name: rule, match, action }) => ({
      configuration: name,
      domains: domains.join(','),
      match: describeMatch(match),
      action: describeAction(action),
      rule,
    })),
  )
}

function describeMatch({ path, headers, query, method, isGrpc }: RouteMatch): string {
  const marks = { exact: '=', prefix: '^', 'segment-prefix': '', regex: '~' } as const
  const values = (list: readonly ValueMatch[], mark: string): string[] =>
    list.map(({ name, type, value, isInverted }) => {
      const test = type === 'present' ? '' : `${type === 'exact' ? '=' : `~${type}:`}${value}`
      return `${isInverted ? '!' : ''}${mark}${name}${test}`
    })
  const path_ = `${marks[path.type]}${path.value}`
  return [...(isGrpc ? ['gRPC'] : method ? [method] : []), path_, ...values(headers, ''), ...values(query, '?')].join(
    ' ',
  )
}

function describeAction(action: RouteAction): string {
  if (action.type === 'respond') return `answer ${action.status}`
  if (action.type === 'redirect') {
    const { scheme = '', host = '', port, status } = action
    return `redirect ${status} ${[scheme, host, port].filter(Boolean).join(':')}`.trim()
  }
  return action.backends
    .map((backend) => `${backend.type === 'cluster' ? backend.cluster : 'answer 500'} ${backend.weight}`)
    .join(', ')
}
