/** Outbound: which destination the request is for, learnt of when it is first called. */

import { ownText } from '#/codec/own-text.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { Destination, DestinationWaiter } from '#/proxy/table/destination.ts'
import type { WarmRoutes } from '#/proxy/table/warm-routes.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort, parseHostPort } from '#/std/host-port.ts'

/** The port of `http` URLs that name none (RFC 9110 section 4.2.1). */
const httpPort = 80

/** Authorities seen lately and the destinations that they name, so that a request costs one look-up and no new string. */
const names = new Map<string, string>()
const namesMax = 10_000

/** `Reviews.shop` is `reviews.shop:80`; empty for what is no authority. */
function destinationName(authority: string, defaultPort: number): string {
  if (defaultPort !== httpPort) return nameOf(authority, defaultPort)
  let name = names.get(authority)
  if (name === undefined) {
    name = ownText(nameOf(authority, defaultPort))
    if (names.size >= namesMax) names.clear()
    names.set(authority, name)
  }
  return name
}

function nameOf(authority: string, defaultPort: number): string {
  const parsed = parseHostPort(authority.toLowerCase(), defaultPort)
  if (!parsed) return ''
  // A dot at the end says that the name is complete (RFC 1034 section 3.1), which changes nothing here.
  const host = parsed.host.endsWith('.') ? parsed.host.slice(0, -1) : parsed.host
  return formatHostPort({ host, port: parsed.port })
}

/**
 * By listener: its own routes, or on demand. A redirected connection is for the address that it was made to, as Gateway API
 * asks of a mesh (GEP-1324); only if that is no Service's its Host header counts.
 */
export function findRoutes(exchange: Exchange): StepOutcome {
  const { listener, original } = exchange.entrance
  if (listener.listener.target.type === 'on-demand') {
    return new Lookup(exchange, original).next()
  }
  exchange.routes = listener.current
  if (exchange.routes) return 'next'
  if (listener.isSettled) {
    exchange.fail('config_missing', `listener ${listener.name}: ${listener.trouble}`)
    return 'taken'
  }
  waitForRoutes(exchange)
  return 'taken'
}

/** Apart, for what its closures hold would be allocated for every request. */
function waitForRoutes(exchange: Exchange): void {
  const { listener } = exchange.entrance
  const waiter = { onRoutes: () => resume(exchange, listener.current) }
  waitForConfig(exchange, exchange.context, () => listener.stopWaiting(waiter), `listener ${listener.name}`)
  listener.wait(waiter)
}

function resume(exchange: Exchange, routes: WarmRoutes | undefined): void {
  exchange.cancelWait?.()
  exchange.cancelWait = undefined
  if (routes) {
    exchange.routes = routes
    exchange.proceed()
  } else exchange.fail('config_missing', exchange.entrance.listener.trouble)
}

function waitForConfig(exchange: Exchange, context: ProxyContext, stop: () => void, what: string): void {
  const { configWaitMs } = context.settings
  const timer = new WheelTimer(() => {
    stop()
    exchange.cancelWait = undefined
    exchange.fail('config_missing', `${what}: not known after ${configWaitMs} ms`)
  })
  context.wheel.set(timer, configWaitMs)
  exchange.cancelWait = () => {
    context.wheel.cancel(timer)
    stop()
  }
}

/** The names under which a request may be known, tried in turn. */
class Lookup implements DestinationWaiter {
  readonly #exchange: Exchange
  readonly #original: HostPort | undefined
  #isOriginalDone: boolean
  #isHostDone = false

  constructor(exchange: Exchange, original: HostPort | undefined) {
    this.#exchange = exchange
    this.#original = original
    this.#isOriginalDone = original === undefined
  }

  next(): StepOutcome {
    const { context, record } = this.#exchange
    for (;;) {
      const name = this.#nextName()
      if (name === undefined) return this.#unknown()
      if (name === '') continue
      const destination = context.table.destinations.find(name, record.startMs)
      const { current } = destination
      if (current) {
        this.#exchange.routes = current
        return 'next'
      }
      if (destination.state === 'missing') continue
      if (destination.state === 'ready') return this.#opaque(name)
      return this.#wait(destination)
    }
  }

  /** Apart, for what the closure holds would be allocated for every request. */
  #wait(destination: Destination): StepOutcome {
    waitForConfig(this.#exchange, this.#exchange.context, () => destination.stopWaiting(this), destination.name)
    destination.wait(this)
    return 'taken'
  }

  onDestination(destination: Destination): void {
    const exchange = this.#exchange
    exchange.cancelWait?.()
    exchange.cancelWait = undefined
    exchange.routes = destination.current
    if (exchange.routes || this.next() === 'next') exchange.proceed()
  }

  #nextName(): string | undefined {
    if (!this.#isOriginalDone) {
      this.#isOriginalDone = true
      return formatHostPort(this.#original!)
    }
    if (this.#isHostDone) return undefined
    this.#isHostDone = true
    return destinationName(this.#exchange.head.authority, this.#original?.port ?? httpPort)
  }

  #opaque(name: string): StepOutcome {
    this.#exchange.fail('route_not_found', `${name} takes no requests: its bytes are opaque to the mesh`)
    return 'taken'
  }

  #unknown(): StepOutcome {
    const exchange = this.#exchange
    const { authority } = exchange.head
    const { passthrough, settings, events } = exchange.context
    const { target } = exchange.entrance.listener.listener
    const isRefused = target.type === 'on-demand' && target.refusesUnknown === true
    const unknownDestinations = isRefused ? 'refuse' : settings.unknownDestinations
    const name = destinationName(authority, this.#original?.port ?? httpPort)
    const host = name === '' && this.#original ? formatHostPort(this.#original) : name
    if (this.#original && unknownDestinations !== 'refuse') {
      events.onUnknownHost?.(host, 'request', 'passed')
      exchange.target = this.#original
      exchange.routes = passthrough.original
      return 'next'
    }
    exchange.target = parseHostPort(authority, httpPort)
    if (unknownDestinations === 'any' && exchange.target) {
      events.onUnknownHost?.(host, 'request', 'passed')
      exchange.routes = passthrough.dynamic
      return 'next'
    }
    if (host !== '') events.onUnknownHost?.(host, 'request', 'refused')
    if (isRefused && host !== '') {
      const { namespace } = exchange.context.identity
      exchange.fail('host_unknown', `${host} may not be called from namespace ${namespace}`)
      return 'taken'
    }
    exchange.fail(
      'host_not_found',
      authority === '' ? 'the request names no host' : `${authority} is no Service of the mesh`,
    )
    return 'taken'
  }
}
