/**
 * A translation as YAML that a person can check: empty lists are left out, small things stand on one line, and what
 * `checkInvariants` has made sure of (names equal to their keys, one virtual host for any domain) is not repeated.
 */
import { Document, isCollection, visit } from 'yaml'
import type { Cluster } from '#/model/cluster.ts'
import type { Destination } from '#/model/destination.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import type { Route } from '#/model/route.ts'
import type { PemSource } from '#/model/tls.ts'
import type { Translation } from '../translate.ts'

export function renderTranslation({ mesh, statuses, faults }: Translation): string {
  const tree = {
    services: plain(mesh.services),
    workloads: plain(mesh.workloads),
    routes: each(mesh.routes, ({ virtualHosts }) => virtualHosts.flatMap(({ routes }) => routes.map(route))),
    destinations: each(mesh.destinations, destination),
    clusters: each(mesh.clusters, cluster),
    assignments: each(mesh.assignments, ({ endpoints }) => endpoints.map(endpoint)),
    usage: plain(mesh.usage),
    ...(mesh.refusesUnknownHosts ? { unknownHosts: 'refused' } : {}),
    statuses: plain(statuses),
    faults: faults.map(({ origin, ...fault }) => plain({ ...fault, line: origin.line })),
  }
  const document = new Document(tree, { aliasDuplicateObjects: false })
  visit(document, {
    Collection: (_key, node) => {
      if (isCollection(node) && JSON.stringify(node).length <= 120) node.flow = true
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

function each<V>(map: ReadonlyMap<string, V>, render: (value: V) => unknown): unknown {
  return Object.fromEntries([...map].map(([key, value]) => [key, render(value)]))
}

function route({ name, rule, ...rest }: Route): unknown {
  const { match, action } = rest
  if (!rule && action.type === 'forward' && !action.hashOn && action.backends[0]?.type === 'cluster') {
    return `${name}: ${match.path.value} to ${action.backends.map((backend) => backend.type === 'cluster' && backend.cluster)}`
  }
  return plain({ name, ruleName: rule?.ruleName, ...rest })
}

/** `http`, `auto to …:80`, or with routes of users all of it. */
function destination({ protocol, streams }: Destination): unknown {
  const [first] = streams
  if (!first) return protocol
  if (first.rule)
    return plain({ protocol, streams: streams.map(({ rule, ...rest }) => ({ ...rest, ruleName: rule?.ruleName })) })
  return `${protocol} to ${first.backends.map((backend) => backend.type === 'cluster' && backend.cluster)}`
}

function cluster({ discovery, service, loadBalancing, connectTimeoutMs, protocol, tls, ...tuning }: Cluster): unknown {
  const place = `${discovery.type} of ${service?.namespace}/${service?.name} ${service?.port}`
  const line = `${loadBalancing}, ${protocol}, connects within ${connectTimeoutMs} ms, ${place}`
  const listed = 'endpoints' in discovery ? { endpoints: discovery.endpoints.map(endpoint) } : {}
  const { breakers, outliers, panicPercent } = tuning
  const breaking = plain({ breakers, outliers, panicPercent })
  const isTuned = breakers || outliers || panicPercent !== undefined
  if (!tls && !isTuned && !('endpoints' in listed)) return line
  return {
    cluster: line,
    ...listed,
    ...(isTuned ? { breaking } : {}),
    ...(tls ? { tls: plain({ ...tls, trustedCa: authority(tls.trustedCa) }) } : {}),
  }
}

/** Certificates are long: how many there are tells enough. */
function authority(source: PemSource | undefined): string {
  if (source?.type !== 'inline') return JSON.stringify(source)
  return `${source.pem.match(/BEGIN CERTIFICATE/g)?.length} certificates`
}

function endpoint({ address, port, health, weight, isMeshed, workload, tls }: Endpoint): string {
  const sidecar = isMeshed ? ', meshed' : ''
  return `${address} ${port} ${health}, weight ${weight}${sidecar}${tls ? `, mutual TLS by ${tls.spiffeId}` : ''}${workload ? `, pod ${workload.pod}` : ''}`
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && !isEmpty(item))
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
