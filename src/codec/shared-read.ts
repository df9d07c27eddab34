/**
 * Reading many sockets through one buffer. Node allocates 64 KB for every read, cuts it to what came, and leaves the rest to
 * the collector; here what came is looked at in place, and the next read overwrites it (measured on a relay: 15 µs a request
 * against 20). A chunk is only lent for the call that brings it: who keeps it copies it (`owned`).
 *
 * Who passes on all that comes (`onBlocks`) gets what comes without a pause in a block, which it may keep in place of a copy.
 */
import { Socket } from 'node:net'
import { giveBlock, isInBlock, tryTakeLargestBlock } from './block-pool.ts'

/** A body of 100 KB is one read and one write, and bytes without end cost a third less than by 64 KB. */
const bufferBytes = 262_144

/**
 * What one socket may bring before the others have their turn: libuv goes on for 32 full reads, which
 * would be 3 to 6 ms.
 */
const turnBytesMax = 4 * 1024 * 1024

const shared = Buffer.allocUnsafeSlow(bufferBytes)
/**
 * For a socket whose reader has paused at its last chunk: what comes next will wait as well, in memory of its own, and a thousand
 * slow readers are to hold no more than they have to.
 */
const sharedForSlow = shared.subarray(0, 65_536)
/** Node keeps the buffer that it has when it gets none. */
const same = undefined as unknown as Buffer

export type ByteReader = (chunk: Buffer) => void

/** The option `onread` of node:net, with the one who reads. */
export class SharedRead {
  read: ByteReader | undefined
  #early: Buffer[] | undefined
  /** Where reads go: the shared buffer or a block. Nothing before the first, and behind a block that was kept. */
  #buffer: Buffer | undefined
  /** What the last reads of this turn brought, all of them as much as they could; 0 when the last could have brought more. */
  #fullBytes = 0
  #isSlow = false
  /** Set once there is one. */
  socket: Socket | undefined
  wantsBlocks = false
  /** Where the next read goes; nothing for the same place again. */
  readonly buffer = (): Buffer => {
    const before = this.#buffer
    const wantsBlock = this.#fullBytes > 0 && this.wantsBlocks
    if (wantsBlock && before !== undefined && isBlock(before)) return same
    const next = (wantsBlock && tryTakeLargestBlock()) || (this.#isSlow ? sharedForSlow : shared)
    if (before === next) return same
    if (before !== undefined && isBlock(before)) giveBlock(before)
    this.#buffer = next
    return next
  }
  readonly callback = (bytes: number, buffer: Uint8Array): boolean => {
    this.#fullBytes = bytes < buffer.length ? 0 : this.#fullBytes + bytes
    const chunk = (buffer as Buffer).subarray(0, bytes)
    if (this.read) this.read(chunk)
    else {
      this.#early ??= []
      this.#early.push(Buffer.from(chunk))
    }
    this.#isSlow = bytes >= sharedForSlow.length && this.socket !== undefined && this.socket.isPaused()
    if (this.#fullBytes < turnBytesMax || this.socket === undefined) return true
    this.#fullBytes = bytes
    setImmediate(readOn, this.socket)
    return false
  }

  /** The block that the present chunk begins. */
  get block(): Buffer | undefined {
    return this.#buffer !== undefined && isBlock(this.#buffer) ? this.#buffer : undefined
  }

  /** The block is the reader's; no read goes there any more. */
  forgetBlock(): void {
    this.#buffer = undefined
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

function isBlock(buffer: Buffer): boolean {
  return buffer.buffer !== shared.buffer
}

/** Unless its reader has paused it since. */
function readOn(socket: Socket): void {
  if (!socket.destroyed && !socket.isPaused()) socket.resume()
}

const key = Symbol('SharedRead')

interface SharingSocket extends Socket {
  [key]?: SharedRead
}

/** To be called right after `connect` with that `onread`. */
export function linkSharedRead(socket: Socket, read: SharedRead): void {
  ;(socket as SharingSocket)[key] = read
  read.socket = socket
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
    // A listener alone does not restart what was paused by name.
    if (socket.isPaused()) socket.resume()
    return
  }
  sharing.read = read
  const early = sharing.takeEarly()
  if (early) queueMicrotask(() => read(early))
  socket.resume()
}

/** The same, for one who writes chunks on and keeps none of them: `blockOf`, `keepBlock` and `leaveBlocks` are for it. */
export function onBlocks(socket: Socket, read: ByteReader): void {
  const sharing = (socket as SharingSocket)[key]
  if (sharing) sharing.wantsBlocks = true
  onBytes(socket, read)
}

/** The block that the chunk which is just read from the socket begins, if it came in one. */
export function blockOf(socket: Socket, chunk: Uint8Array): Buffer | undefined {
  const block = (socket as SharingSocket)[key]?.block
  return block !== undefined && block.buffer === chunk.buffer ? block : undefined
}

/** That block is the caller's now, who gives it back to the pool. */
export function keepBlock(socket: Socket): void {
  ;(socket as SharingSocket)[key]?.forgetBlock()
}

/** For a socket that is closed: nothing is read into its block any more. */
export function leaveBlocks(socket: Socket): void {
  const sharing = (socket as SharingSocket)[key]
  const block = sharing?.block
  sharing?.forgetBlock()
  if (block) giveBlock(block)
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

/** The chunk is overwritten by the next read, or when its block is used again. */
export function isLent(chunk: Uint8Array): boolean {
  return chunk.buffer === shared.buffer || isInBlock(chunk)
}

/** The chunk, for keeps. */
export function owned<Chunk extends Uint8Array>(chunk: Chunk): Chunk | Buffer {
  return isLent(chunk) ? Buffer.from(chunk) : chunk
}
