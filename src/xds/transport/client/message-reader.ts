/** gRPC's length-prefixed messages (compression is not asked for, so none may come). */
import { errorCodes, Http2Fault } from '#/codec/http2/frame.ts'

const prefixBytes = 5

/** A copy of the message behind its prefix. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  framed.set(message, prefixBytes)
  return framed
}

/** Cuts a stream of bytes into messages that may span any number of chunks. */
export class MessageReader {
  readonly #messageBytesMax: number
  #chunks: Buffer[] = []
  #bytes = 0
  #expected = -1

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax
  }

  /** @throws Http2Fault for a compressed message or one that is too long. */
  read(chunk: Uint8Array): Buffer[] {
    const messages: Buffer[] = []
    if (chunk.length > 0) this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.length
    for (;;) {
      if (this.#expected < 0) {
        if (this.#bytes < prefixBytes) return messages
        this.#expected = this.#lengthOf(this.#take(prefixBytes))
      }
      if (this.#bytes < this.#expected) return messages
      messages.push(this.#take(this.#expected))
      this.#expected = -1
    }
  }

  #lengthOf(prefix: Buffer): number {
    if (prefix[0] !== 0) throw new Http2Fault(errorCodes.protocolError, 'a compressed message')
    const length = prefix.readUInt32BE(1)
    if (length > this.#messageBytesMax)
      throw new Http2Fault(
        errorCodes.internalError,
        `a message of ${length} bytes, ${this.#messageBytesMax} are allowed`,
      )
    return length
  }

  #take(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const rest = all.subarray(count)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#bytes = rest.length
    return all.subarray(0, count)
  }
}
