/**
 * What is done with the requests of one connection: each becomes an exchange on the road of its listener, and a CONNECT of
 * HTTP/2 a tunnel, which takes one stream of the connection.
 */
import type { ServerHandler, ServerSink, ServerStream } from '#/codec/stream.ts'
import type { ExchangeOptions } from '#/proxy/exchange/exchange.ts'
import { Exchange } from '#/proxy/exchange/exchange.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import { TunnelSocket } from '#/proxy/stream/tunnel-socket.ts'
import type { HostPort } from '#/std/host-port.ts'
import { tunnelTarget } from './connect-entrance.ts'

/** Carries what comes over a tunnel that was asked for. */
export type OpenTunnel = (tunnel: TunnelSocket, target: HostPort) => void

export class ConnectionHandler implements ServerHandler {
  readonly #options: ExchangeOptions
  readonly #openTunnel: OpenTunnel | undefined

  /** @param openTunnel absent where no tunnels are made. */
  constructor(options: ExchangeOptions, openTunnel?: OpenTunnel) {
    this.#options = options
    this.#openTunnel = openTunnel
  }

  onStream(stream: ServerStream): ServerSink {
    if (stream.head.method === 'CONNECT') return this.#connect(stream)
    const exchange = new Exchange(stream, this.#options)
    exchange.proceed()
    return exchange
  }

  #connect(stream: ServerStream): ServerSink {
    const target = tunnelTarget(stream.head.authority)
    if (this.#openTunnel && target) {
      const tunnel = new TunnelSocket(stream)
      this.#openTunnel(tunnel, target)
      return tunnel
    }
    const exchange = new Exchange(stream, this.#options)
    exchange.fail('unsupported_method', 'no tunnels are made here')
    return exchange
  }

  onIdleClosed(): void {
    const { context, entrance } = this.#options
    context.events.onIdleClosed?.(entrance.listener.name)
  }

  onMalformed(code: string, detail: string): void {
    tellMalformed(this.#options.context, this.#options.entrance.listener.name, code, detail)
  }
}

/** Counts it; a mistake of ours is told with its place in the code too, for the codec has nobody else to tell. */
export function tellMalformed({ events, log }: ProxyContext, listener: string, code: string, detail: string): void {
  events.onMalformed(listener, code, detail)
  if (code === 'extension_failed') log.error('a fault inside the proxy ended a connection', { listener, stack: detail })
}
