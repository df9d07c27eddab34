/** The codecs towards endpoints, by version. */
import { Http1ClientConnection } from '#/codec/http1/client-connection.ts'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import { Http2ClientConnection } from '#/codec/http2/client-connection.ts'
import type { Http2Limits } from '#/codec/http2/limits.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import type { OpenConnection } from './upstream-context.ts'

export interface ClientCodecOptions {
  http1: Http1Limits
  http2: Http2Limits
  /** Coarse. */
  wheel: TimerWheel
}

/** What the pool wants to know before it uses a connection. */
class PooledHttp2Connection extends Http2ClientConnection {
  get isSettled(): boolean {
    return this.peer.isKnown
  }
}

export function clientCodec({ http1, http2, wheel }: ClientCodecOptions): OpenConnection {
  return (socket, { version, owner, streamsAtFirst }) => {
    if (version === 'http1') return new Http1ClientConnection(socket, { owner, limits: http1 })
    const connection = new PooledHttp2Connection(socket, { owner, limits: http2, wheel })
    connection.peer.streamsMax = Math.min(connection.peer.streamsMax, streamsAtFirst)
    return connection
  }
}
