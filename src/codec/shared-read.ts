/**
 * Reading many sockets through one buffer. Node allocates 64 KB for every read, cuts it to what came, and leaves the rest to
 * the collector; here what came is looked at in place, and the next read overwrites it (measured on a relay: 15 µs a request
 * against 20). A socket that brings large chunks gets buffers of its own, since those are handed on uncopied.
 *
 * A chunk is only lent for the call that brings it: who keeps it copies it (`owned`), unless it has a buffer of its own.
 */
import { Socket } from 'node:net'

const bufferBytes = 65_536
/** A read that brings more than this is part of something large. */
const largeBytes = 32_768

const shared = Buffer.allocUnsafeSlow(bufferBytes)

export type ByteReader = (chunk: Buffer) => void

/** The option `onread` of node:net, with the one who reads. */
export class SharedRead {
  read: ByteReader | undefined
  #early: Buffer[] | undefined
  #lastBytes = 0
  #hasOwn = false
  /** Where the next read goes; nothing for the same place again. */
  readonly buffer = (): Buffer => {
    if (this.#lastBytes > largeBytes) {
      this.#hasOwn = true
      return Buffer.allocUnsafeSlow(bufferBytes)
    }
    // Node asks for the first buffer before anything was read, and keeps the one it has when it gets none.
    if (!this.#hasOwn && this.#lastBytes > 0) return undefined as unknown as Buffer
    this.#hasOwn = false
    return shared
  }
  readonly callback = (bytes: number, buffer: Uint8Array): boolean => {
    this.#lastBytes = bytes
    const chunk = (buffer as Buffer).subarray(0, bytes)
    if (this.read) this.read(chunk)
    else {
      this.#early ??= []
      this.#early.push(Buffer.from(chunk))
    }
    return true
  }

  /** Nobody reads until the next one who does, who gets this first. */
  giveBack(bytes: Buffer): void {
    this.read = undefined
    if (bytes.length === 0) return
    this.#early ??= []
    this.#early.push(Buffer.from(bytes))
  }

  /** What came before there was a reader. */
  takeEarly(): Buffer | undefined {
    const early = this.#early
    this.#early = undefined
    return early && Buffer.concat(early)
  }
}

const key = Symbol('SharedRead')

interface SharingSocket extends Socket {
  [key]?: SharedRead
}

/** To be called right after `connect` with that `onread`. */
export function linkSharedRead(socket: Socket, read: SharedRead): void {
  ;(socket as SharingSocket)[key] = read
}

/** What a server's sockets have beside what the types say; Node 26 has it so, and another Node keeps its own way of reading. */
interface AcceptedSocket extends Socket {
  _handle: unknown
  _server: unknown
}

/**
 * An accepted socket, with shared reading.
 * @param accepted by a server with `pauseOnConnect`, so that nothing was read yet. Not to be used any more.
 * @returns it or another in its place, not paused.
 */
export function withSharedRead(accepted: Socket): Socket {
  const before = accepted as AcceptedSocket
  const handle = before._handle
  if (typeof (handle as { useUserBuffer?: unknown } | null)?.useUserBuffer !== 'function') return accepted.resume()
  const onread = new SharedRead()
  const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread, manualStart: true }
  // Two sockets of one handle would both end it.
  before._handle = null
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]) as AcceptedSocket
  // The server counts its connections by this.
  socket._server = before._server
  before._server = null
  linkSharedRead(socket, onread)
  return socket
}

/** From now on `read` gets the bytes of the socket, whoever got them before. */
export function onBytes(socket: Socket, read: ByteReader): void {
  const sharing = (socket as SharingSocket)[key]
  if (sharing === undefined) {
    socket.on('data', read)
    return
  }
  sharing.read = read
  const early = sharing.takeEarly()
  if (early) queueMicrotask(() => read(early))
  socket.resume()
}

/** Bytes that were read from the socket already, for whoever reads it now. */
export function giveBytes(socket: Socket, bytes: Buffer): void {
  const sharing = (socket as SharingSocket)[key]
  if (sharing === undefined) socket.emit('data', bytes)
  else sharing.read?.(bytes)
}

/** Bytes that were read and not used: the next reader gets them first. The socket is to be paused. */
export function returnBytes(socket: Socket, bytes: Buffer): void {
  const sharing = (socket as SharingSocket)[key]
  if (sharing !== undefined) sharing.giveBack(bytes)
  else if (bytes.length > 0) socket.unshift(bytes)
}

/** The chunk is overwritten by the next read. */
export function isLent(chunk: Uint8Array): boolean {
  return chunk.buffer === shared.buffer
}

/** The chunk, for keeps. */
export function owned<Chunk extends Uint8Array>(chunk: Chunk): Chunk | Buffer {
  return isLent(chunk) ? Buffer.from(chunk) : chunk
}
