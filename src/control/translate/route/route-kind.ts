/** The kinds of routes, in one table: what they are for, and which ports of Services they fit. */
import type { GRPCRoute } from '#/api/grpc-route.ts'
import type { KindName, Kinds } from '#/api/kinds.ts'
import type { TCPRoute, TLSRoute, UDPRoute } from '#/api/stream-route.ts'
import type { ObjectRef } from '#/model/object-ref.ts'
import { type AppProtocol, type Transport, transportOf } from '#/model/service.ts'
import { mayBeHttp } from '../app-protocol.ts'

export interface RouteKindRow {
  /** What a port must speak, as a word for people. */
  speaks: string
  transport: Transport
  /** Whether it can stand before a port that speaks so. */
  fitsParent(protocol: AppProtocol): boolean
  /** Whether it can send to a port that speaks so. */
  fitsBackend(protocol: AppProtocol): boolean
  /** What it routes. */
  unit: 'requests' | 'connections' | 'datagrams'
  /** What becomes of that, where there is no place to go. */
  refusal: string
  /** How a port says that it speaks so. */
  declaration: string
}

const mayBeGrpc = (protocol: AppProtocol): boolean => protocol === 'grpc' || protocol === 'http2' || protocol === 'auto'
const mayBeTls = (protocol: AppProtocol): boolean => protocol === 'tls' || protocol === 'tcp' || protocol === 'auto'
const isTcp = (protocol: AppProtocol): boolean => transportOf(protocol) === 'tcp'
const isUdp = (protocol: AppProtocol): boolean => protocol === 'udp'

/**
 * The more specific kind first: where kinds meet at one port of a Service, it alone is in force (GEP-1294, Route types). UDP
 * ports have one kind only. A port that is said to speak HTTP/1.1 carries no gRPC, which needs HTTP/2's trailers and streams.
 */
export const routeKinds = {
  GRPCRoute: {
    speaks: 'gRPC',
    transport: 'tcp',
    fitsParent: mayBeGrpc,
    fitsBackend: mayBeGrpc,
    unit: 'requests',
    refusal: 'answered with UNAVAILABLE',
    declaration: '`appProtocol: kubernetes.io/h2c`',
  },
  HTTPRoute: {
    speaks: 'HTTP',
    transport: 'tcp',
    fitsParent: mayBeHttp,
    fitsBackend: mayBeHttp,
    unit: 'requests',
    refusal: 'answered with 500',
    declaration: '`appProtocol: http`',
  },
  TLSRoute: {
    speaks: 'TLS',
    transport: 'tcp',
    fitsParent: mayBeTls,
    fitsBackend: mayBeTls,
    unit: 'connections',
    refusal: 'closed',
    declaration: '`appProtocol: tls`',
  },
  TCPRoute: {
    speaks: 'TCP',
    transport: 'tcp',
    fitsParent: isTcp,
    fitsBackend: isTcp,
    unit: 'connections',
    refusal: 'closed',
    declaration: '`protocol: TCP`',
  },
  UDPRoute: {
    speaks: 'UDP',
    transport: 'udp',
    fitsParent: isUdp,
    fitsBackend: isUdp,
    unit: 'datagrams',
    refusal: 'dropped',
    declaration: '`protocol: UDP`',
  },
} as const satisfies Partial<Record<KindName, RouteKindRow>>

export type RouteKind = keyof typeof routeKinds
export const routeKindNames = Object.keys(routeKinds) as RouteKind[]

/** A route of whatever kind, as a user wrote it. */
export type RouteObject = Kinds[RouteKind]
export type StreamRouteObject = TCPRoute | TLSRoute | UDPRoute
export type RequestRouteObject = Kinds['HTTPRoute'] | GRPCRoute

export type RouteObjectRef = ObjectRef & { kind: RouteKind }

/** The kind is told, since items of a list of the Kubernetes API don't say theirs. */
export function routeRef(kind: RouteKind, { metadata }: RouteObject): RouteObjectRef {
  return { kind, namespace: metadata.namespace ?? 'default', name: metadata.name }
}

/** The more specific first. */
export function compareKinds(a: RouteKind, b: RouteKind): number {
  return routeKindNames.indexOf(a) - routeKindNames.indexOf(b)
}

/** `an HTTPRoute`, `a GRPCRoute`. */
export function withArticle(kind: RouteKind): string {
  return `${kind === 'HTTPRoute' ? 'an' : 'a'} ${kind}`
}

/** `HTTPRoute` attaches hostnames to listeners; before a Service they mean nothing. A TLSRoute's are what it matches. */
export function ignoredHostnames(kind: RouteKind, { spec }: RouteObject): readonly string[] {
  return kind !== 'TLSRoute' && 'hostnames' in spec ? (spec.hostnames ?? []) : []
}
