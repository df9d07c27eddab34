/**
 * The body of a request between its client and the attempts to send it on. Until an answer begins a copy of it is kept, up
 * to a bound, so that another attempt can start from the first byte; while there is no connection the client is paused at
 * that bound.
 */
import type { HeaderList } from '#/codec/message.ts'
import type { ClientStream, ServerStream } from '#/codec/stream.ts'
import type { GrpcWeb } from './grpc-web.ts'

export class RequestBody {
  readonly #stream: ServerStream
  #copyBytesMax: number
  #target: ClientStream | undefined
  #copy: Uint8Array[] | undefined = []
  #copyBytes = 0
  #keepsWhole = false
  #isEnded = false
  #trailers: HeaderList | undefined
  #isPaused = false
  #collecting: { bytesMax: number; onCollected: (bytes: Uint8Array) => void } | undefined

  /** @param copyBytesMax bytes kept for another attempt. */
  constructor(stream: ServerStream, copyBytesMax: number) {
    this.#stream = stream
    this.#copyBytesMax = copyBytesMax
  }

  /** All of it so far is still here. */
  get isReplayable(): boolean {
    return this.#copy !== undefined
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The whole body, when it has ended and stayed within the bound. */
  get whole(): readonly Uint8Array[] | undefined {
    return this.#isEnded ? this.#copy : undefined
  }

  /** Keep the copy beyond the begin of the answer: a mirror wants it. */
  keepWhole(): void {
    this.#keepsWhole = true
  }

  push(chunk: Uint8Array): void {
    if (this.#copy) this.#keep(chunk)
    if (this.#target && !this.#target.writeData(chunk)) this.#pause()
  }

  /** Only before the first attempt: what has come so far becomes something else. */
  translate(web: GrpcWeb): void {
    this.#copy = this.#copy?.map((chunk) => web.takeRequest(chunk))
  }

  end(trailers: HeaderList | undefined): void {
    this.#isEnded = true
    this.#trailers = trailers
    this.#target?.writeEnd(trailers)
    this.#checkCollected()
  }

  /**
   * Calls back once, with the whole body, or with more than `bytesMax` of it as soon as they are there; what was collected is
   * sent on as ever. Only before the first attempt.
   */
  collect(bytesMax: number, onCollected: (bytes: Uint8Array) => void): void {
    this.#collecting = { bytesMax, onCollected }
    this.#copyBytesMax = Math.max(this.#copyBytesMax, bytesMax + 1)
    if (this.#copyBytes < this.#copyBytesMax) this.resume()
    this.#checkCollected()
  }

  stopCollecting(): void {
    this.#collecting = undefined
  }

  #checkCollected(): void {
    const collecting = this.#collecting
    if (!collecting || !(this.#isEnded || this.#copyBytes > collecting.bytesMax)) return
    this.#collecting = undefined
    collecting.onCollected(Buffer.concat(this.#copy ?? []))
  }

  /** An attempt can take the body: from its first byte, then as it comes. */
  attach(target: ClientStream): void {
    this.#target = target
    let hasRoom = true
    for (const chunk of this.#copy ?? []) hasRoom = target.writeData(chunk)
    if (this.#copyBytes > this.#copyBytesMax) this.#drop()
    if (this.#isEnded) target.writeEnd(this.#trailers)
    else if (hasRoom) this.resume()
    else this.#pause()
  }

  /** The attempt is over; the next one will attach. */
  detach(): void {
    this.#target = undefined
  }

  /** An answer has begun: there will be no other attempt. */
  release(): void {
    if (!this.#keepsWhole) this.#drop()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#stream.resume()
  }

  #keep(chunk: Uint8Array): void {
    if (this.#target && this.#copyBytes + chunk.length > this.#copyBytesMax) {
      this.#drop()
      return
    }
    // Copied, for a chunk is only lent, and a small one would hold the whole buffer that it was read into.
    this.#copy!.push(Buffer.from(chunk))
    this.#copyBytes += chunk.length
    // Nobody takes it yet: what came is kept, and no more is asked for.
    if (!this.#target && this.#copyBytes >= this.#copyBytesMax) this.#pause()
    if (this.#collecting !== undefined) this.#checkCollected()
  }

  #drop(): void {
    this.#copy = undefined
    this.#copyBytes = 0
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#stream.pause()
  }
}
