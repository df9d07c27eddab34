/** A copy of a request to a mirror: sent once, the answer thrown away, no failure told to anyone but the metrics of connections. */
import type { RequestHead } from '#/codec/message.ts'
import type { ClientConnection, ClientSink, ClientStream } from '#/codec/stream.ts'
import type { PoolClient } from '#/proxy/upstream/endpoint-pool.ts'
import type { UpstreamCluster, UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { Exchange } from './exchange.ts'

interface MirrorOptions {
  cluster: UpstreamCluster
  head: RequestHead
  /** The whole body. */
  chunks: readonly Uint8Array[]
}

class MirrorSink implements ClientSink, PoolClient {
  readonly isRepeatable = false
  readonly #slot: UpstreamSlot
  readonly #head: RequestHead
  readonly #chunks: readonly Uint8Array[]
  #isOver = false

  constructor(slot: UpstreamSlot, { head, chunks }: MirrorOptions) {
    this.#slot = slot
    // The original may change for its next attempt. The body is here already, so there is nothing to wait for.
    this.#head = { ...head, headers: [...head.headers], expectsContinue: false, upgrade: '' }
    this.#chunks = chunks
    slot.acquire()
  }

  onConnection(connection: ClientConnection): void {
    const stream: ClientStream = connection.request(this.#head, this, this.#chunks.length === 0)
    // Bounded by the size of the copy, so no need to wait for room.
    for (const chunk of this.#chunks) stream.writeData(chunk)
    if (this.#chunks.length > 0) stream.writeEnd()
  }

  onConnectFailed(): void {
    this.#finish(true)
  }

  onHead(_head: unknown, isEnd: boolean): void {
    if (isEnd) this.#finish(false)
  }

  onEnd(): void {
    this.#finish(false)
  }

  onReset(): void {
    this.#finish(true)
  }

  onInformational(): void {}

  onData(): void {}

  onWritable(): void {}

  #finish(isFailure: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#slot.release(isFailure)
  }
}

function sendMirror(options: MirrorOptions): void {
  const slot = options.cluster.pick()
  if (slot) options.cluster.poolOf(slot, options.head).acquire(new MirrorSink(slot, options))
}

/** Once the body is whole: fire and forget. */
export function sendMirrors(exchange: Exchange): void {
  const { mirrors, body, head, context } = exchange
  if (!mirrors) return
  exchange.mirrors = undefined
  for (const cluster of mirrors) {
    if (body && !body.whole) context.log.debug('a body too long to be mirrored', { cluster: cluster.name })
    else sendMirror({ cluster, head, chunks: body?.whole ?? [] })
  }
}
