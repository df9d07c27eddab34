/**
 * grpc-web, as browsers speak it, to gRPC and back (grpc-web protocol; Envoy's filter does the same): trailers travel as a
 * last frame of the body, and `web-text` is base64 in both directions.
 */
import type { HeaderList, RequestHead, ResponseHead } from '#/codec/message.ts'
import { getHeader, removeHeader, setHeader, unknownLength } from '#/codec/message.ts'
import type { ServerStream } from '#/codec/stream.ts'
import { grpcKindOf } from '#/proxy/policy/grpc.ts'

/** The frame that holds trailers, not a message. */
const trailerFlag = 0x80

export class GrpcWeb {
  readonly #isText: boolean
  /** Of the answer: that of the request. */
  readonly #contentType: string
  /** Base64 digits that wait for the rest of their group of four. */
  #digits = ''
  #isTranslating = false

  /** Makes a gRPC request of it, in place. */
  constructor(head: RequestHead, isText: boolean) {
    const { headers } = head
    this.#isText = isText
    this.#contentType = getHeader(headers, 'content-type')!
    setHeader(headers, 'content-type', this.#contentType.replace(/^application\/grpc-web(-text)?/, 'application/grpc'))
    removeHeader(headers, 'x-grpc-web')
    head.acceptsTrailers = true
    if (isText && head.bodyLength !== 0) head.bodyLength = unknownLength
  }

  /** Of the request. Padding may stand in the middle: a client may have written its base64 in pieces. */
  takeRequest(chunk: Uint8Array): Uint8Array {
    if (!this.#isText) return chunk
    const text = this.#digits + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    const end = text.length - (text.length % 4)
    this.#digits = text.slice(end)
    const pieces = text.slice(0, end).match(/[^=]+=*/g) ?? []
    return pieces.length === 1
      ? Buffer.from(pieces[0]!, 'base64')
      : Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')))
  }

  /** The head of the answer, in place. One that is no gRPC is passed as it is. */
  takeHead(head: ResponseHead): void {
    this.#isTranslating = grpcKindOf(getHeader(head.headers, 'content-type')) === 'grpc'
    if (!this.#isTranslating) return
    setHeader(head.headers, 'content-type', this.#contentType)
    // A trailers-only answer stays one: its status is in the head, where clients of grpc-web look too.
    if (head.bodyLength !== 0) head.bodyLength = unknownLength
  }

  takeAnswer(chunk: Uint8Array): Uint8Array {
    return this.#isTranslating && this.#isText ? toBase64(chunk) : chunk
  }

  /** Trailers become the last frame of the body. */
  end(stream: ServerStream, trailers: HeaderList | undefined): void {
    if (this.#isTranslating && trailers) {
      const frame = trailerFrame(trailers)
      stream.writeData(this.#isText ? toBase64(frame) : frame)
      stream.writeEnd()
    } else stream.writeEnd(trailers)
  }
}

function trailerFrame(trailers: HeaderList): Buffer {
  let text = ''
  for (let i = 0; i < trailers.length; i += 2) text += `${trailers[i]}:${trailers[i + 1]}\r\n`
  const frame = Buffer.alloc(5 + text.length)
  frame[0] = trailerFlag
  frame.writeUInt32BE(text.length, 1)
  frame.write(text, 5, 'latin1')
  return frame
}

/** Padded: clients take pieces one after another. */
function toBase64(chunk: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('base64'), 'latin1')
}
