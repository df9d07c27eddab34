/** The codecs towards endpoints, by version. */
import type { Socket } from 'node:net'
import { Http1ClientConnection } from '#/codec/http1/client-connection.ts'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import { Http2ClientConnection } from '#/codec/http2/client-connection.ts'
import type { Http2Limits } from '#/codec/http2/limits.ts'
import type { ClientConnection, ClientConnectionOwner } from '#/codec/stream.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import type { HttpVersion } from './endpoint-pool.ts'

export interface ClientCodecOptions {
  http1: Http1Limits
  http2: Http2Limits
  /** Coarse. */
  wheel: TimerWheel
}

export function clientCodec({ http1, http2, wheel }: ClientCodecOptions) {
  return (version: HttpVersion, socket: Socket, owner: ClientConnectionOwner): ClientConnection =>
    version === 'http2'
      ? new Http2ClientConnection(socket, { owner, limits: http2, wheel })
      : new Http1ClientConnection(socket, { owner, limits: http1 })
}
