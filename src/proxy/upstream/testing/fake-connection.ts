/** A connection that carries as many requests as the test says, without bytes. */
import type { RequestHead } from '#/codec/message.ts'
import type { ClientConnection, ClientConnectionOwner, ClientSink, ClientStream } from '#/codec/stream.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { PoolClient } from '../endpoint-pool.ts'

export class FakeConnection implements ClientConnection {
  readonly #owner: ClientConnectionOwner
  limit: number
  active = 0
  isDraining = false
  isClosed = false

  constructor(owner: ClientConnectionOwner, limit: number) {
    this.#owner = owner
    this.limit = limit
  }

  get capacity(): number {
    return this.isDraining || this.isClosed ? 0 : Math.max(0, this.limit - this.active)
  }

  request(_head: RequestHead, _sink: ClientSink, _isEnd: boolean): ClientStream {
    this.active++
    return undefined as unknown as ClientStream
  }

  /** A request is over. */
  finish(): void {
    this.active--
    if (this.isDraining && this.active === 0) this.destroy()
    else if (!this.isDraining) this.#owner.onIdle(this)
  }

  drain(): void {
    this.isDraining = true
    if (this.active === 0) this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#owner.onClosed(this)
  }
}

/** Begins a request on whatever connection it gets. */
export class FakeClient implements PoolClient {
  readonly isRepeatable: boolean
  connection: ClientConnection | undefined
  isReused = false
  failure: ErrorCodeName | '' = ''
  detail = ''

  constructor(isRepeatable = true) {
    this.isRepeatable = isRepeatable
  }

  onConnection(connection: ClientConnection, isReused: boolean): void {
    this.connection = connection
    this.isReused = isReused
    connection.request(undefined as unknown as RequestHead, undefined as unknown as ClientSink, true)
  }

  onConnectFailed(code: ErrorCodeName, detail: string): void {
    this.failure = code
    this.detail = detail
  }
}
