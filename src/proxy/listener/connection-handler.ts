/** What is done with the requests of one connection: each becomes an exchange on the road of its listener. */
import type { ServerHandler, ServerSink, ServerStream } from '#/codec/stream.ts'
import type { ExchangeOptions } from '#/proxy/exchange/exchange.ts'
import { Exchange } from '#/proxy/exchange/exchange.ts'

export class ConnectionHandler implements ServerHandler {
  readonly #options: ExchangeOptions

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  onStream(stream: ServerStream): ServerSink {
    const exchange = new Exchange(stream, this.#options)
    exchange.proceed()
    return exchange
  }

  onMalformed(code: string, detail: string): void {
    const { context, entrance } = this.#options
    context.events.onMalformed(entrance.listener.name, code, detail)
  }
}
