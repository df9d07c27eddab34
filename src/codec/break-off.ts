/** The end of a connection whose other side must not take what it got for everything. */
import type { Socket } from 'node:net'

/**
 * By RST (RFC 9293 section 3.5.2). TLS is broken off without its closing alert, which says the same (RFC 8446 section 6.1): Node can
 * reset a plain connection alone.
 */
export function breakOff(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
