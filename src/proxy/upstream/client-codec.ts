/** The codecs towards endpoints, by version. */
import type { Socket } from 'node:net'
import { Http1ClientConnection } from '#/codec/http1/client-connection.ts'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import type { ClientConnection, ClientConnectionOwner } from '#/codec/stream.ts'
import type { HttpVersion } from './endpoint-pool.ts'

export interface ClientCodecOptions {
  http1: Http1Limits
}

export function clientCodec({ http1 }: ClientCodecOptions) {
  return (_version: HttpVersion, socket: Socket, owner: ClientConnectionOwner): ClientConnection =>
    new Http1ClientConnection(socket, { owner, limits: http1 })
}
