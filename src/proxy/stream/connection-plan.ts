/** What may come over a connection, and where it goes: by its listener, or by the destination that it was made to. */

import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { ListenerProtocol } from '#/model/listener.ts'
import type { UnknownHostOutcome } from '#/proxy/events.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { WarmRoutes } from '#/proxy/table/warm-routes.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { WarmStreams } from './stream-table.ts'

export interface ConnectionPlan {
  protocol: ListenerProtocol
  /** Absent: it takes no opaque bytes. */
  streams: WarmStreams | undefined
  /** Nobody knows what it was made to, and this becomes of it; the server name of TLS may yet tell. */
  unknown?: UnknownHostOutcome
}

const requestsAlone: ConnectionPlan = { protocol: 'http', streams: undefined }

export interface PlanOptions {
  entry: ListenerEntry
  /** What a redirected connection was made to, or a tunnel asked for. */
  original: HostPort | undefined
  /** The destination was named by a client that may misspell it, and that can be told. */
  isTunnel: boolean
  context: ProxyContext
  onPlan: (plan: ConnectionPlan) => void
  /** The control plane did not tell in time, or nobody knows the destination. */
  onNoPlan: (code: ErrorCodeName, detail: string) => void
}

/** Asks for what has to be known. @returns how to give up; the others hear nothing then. */
export function planConnection(options: PlanOptions): () => void {
  const { entry, original, context, onPlan } = options
  const { listener } = entry
  if (listener.target.type === 'on-demand') {
    if (original) return planByDestination(options, original)
    onPlan(requestsAlone)
    return () => undefined
  }
  const tell = (): void => onPlan(planByListener(entry, original))
  if (entry.isSettled) {
    tell()
    return () => undefined
  }
  const waiter = { onRoutes: () => settled() }
  const settled = waitFor(context, tell, () => {
    entry.stopWaiting(waiter)
    options.onNoPlan('config_missing', `listener ${entry.name}: ${entry.trouble}`)
  })
  entry.wait(waiter)
  return () => {
    settled.cancel()
    entry.stopWaiting(waiter)
  }
}

/** @returns called when what is awaited has come. */
function waitFor(context: ProxyContext, then: () => void, late: () => void): (() => void) & { cancel: () => void } {
  const timer = new WheelTimer(late)
  context.wheel.set(timer, context.settings.configWaitMs)
  const settled = (): void => {
    context.wheel.cancel(timer)
    then()
  }
  return Object.assign(settled, { cancel: () => context.wheel.cancel(timer) })
}

/** Ports of a redirected listener are told apart by the virtual hosts and streams that name them. */
function planByListener({ listener, streams }: ListenerEntry, original: HostPort | undefined): ConnectionPlan {
  const { protocol = 'http', target } = listener
  if (target.type === 'streams') return { protocol: protocol === 'auto' ? 'tcp' : protocol, streams }
  if (!original || !streams) return { protocol, streams }
  const hasStream = streams.routes.some(({ port }) => port === undefined || port === original.port)
  if (!hasStream) return requestsAlone
  return { protocol: takesRequests(target, original.port) ? protocol : 'tcp', streams }
}

function takesRequests(target: { type: string } & object, port: number): boolean {
  if (!('routes' in target)) return false
  const { routes } = target as Extract<ListenerEntry['listener']['target'], { type: 'routes' }>
  if (routes.type === 'rds') return true
  const names = new Set(['*', `*:${port}`])
  return routes.configuration.virtualHosts.some(({ domains }) => domains.some((domain) => names.has(domain)))
}

function planByDestination(options: PlanOptions, original: HostPort): () => void {
  const { context, entry, onPlan, onNoPlan, isTunnel } = options
  const name = formatHostPort(original)
  const destination = context.table.destinations.find(name, context.clock.monotonicMs())
  const tell = (): void => {
    if (destination.state === 'ready') onPlan({ protocol: destination.protocol, streams: destination.streams })
    else if (isTunnel) planTunnel(options, name)
    else onPlan(refusesUnknown(entry) ? refusalPlan(context, name) : passthroughPlan(context))
  }
  if (destination.state !== 'waiting') {
    tell()
    return () => undefined
  }
  const waiter = { onDestination: () => settled() }
  const settled = waitFor(context, tell, () => {
    destination.stopWaiting(waiter)
    onNoPlan('config_missing', `${name}: not known after ${context.settings.configWaitMs} ms`)
  })
  destination.wait(waiter)
  return () => {
    settled.cancel()
    destination.stopWaiting(waiter)
  }
}

/** Who asks for a tunnel can be told. */
function planTunnel({ entry, context, onPlan, onNoPlan }: PlanOptions, name: string): void {
  const isRefused = refusesUnknown(entry)
  if (!isRefused && context.settings.unknownDestinations === 'any') {
    onPlan(passthroughTo(context.passthrough.dynamic))
    return
  }
  context.events.onUnknownHost?.(name, 'stream', 'refused')
  if (isRefused) onNoPlan('host_unknown', refusalDetail(context, name))
  else onNoPlan('host_not_found', `${name} is no Service of the mesh`)
}

/**
 * The address of a redirected connection is no Service's, but the server name that its client asks for may be one's.
 * @param fallback what is done where nobody knows the name either. @returns how to give up.
 */
export function planByServerName(
  { context, onPlan }: Pick<PlanOptions, 'context' | 'onPlan'>,
  { host, fallback }: { host: HostPort; fallback: ConnectionPlan },
): () => void {
  const destination = context.table.destinations.find(formatHostPort(host), context.clock.monotonicMs())
  const tell = (): void => {
    const { streams } = destination
    onPlan(destination.state === 'ready' && streams ? { protocol: 'tls', streams } : fallback)
  }
  if (destination.state !== 'waiting') {
    tell()
    return () => undefined
  }
  const waiter = { onDestination: () => settled() }
  const settled = waitFor(context, tell, () => {
    destination.stopWaiting(waiter)
    onPlan(fallback)
  })
  destination.wait(waiter)
  return () => {
    settled.cancel()
    destination.stopWaiting(waiter)
  }
}

function refusesUnknown({ listener }: ListenerEntry): boolean {
  return listener.target.type === 'on-demand' && listener.target.refusesUnknown === true
}

function refusalDetail({ identity }: ProxyContext, name: string): string {
  return `${name} may not be called from namespace ${identity.namespace}`
}

/** Requests and TLS may name a host that is known; all else is closed. */
function refusalPlan(context: ProxyContext, name: string): ConnectionPlan {
  const refusal = { code: 'host_unknown', detail: refusalDetail(context, name) } as const
  return { protocol: 'auto', streams: { routes: [], clusters: new Map(), refusal }, unknown: 'refused' }
}

/** An address that is no Service's: whatever is spoken goes where it was going, unless that is refused. */
function passthroughPlan({ settings, passthrough }: ProxyContext): ConnectionPlan {
  if (settings.unknownDestinations === 'refuse') return requestsAlone
  return passthroughTo(passthrough.original)
}

function passthroughTo({ clusters }: WarmRoutes): ConnectionPlan {
  const [cluster] = clusters.keys()
  const route = {
    name: 'passthrough',
    serverNames: [],
    backends: [{ type: 'cluster' as const, cluster: cluster!, weight: 1 }],
  }
  return { protocol: 'auto', streams: { routes: [route], clusters }, unknown: 'passed' }
}
