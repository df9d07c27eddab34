/**
 * One gRPC stream on one HTTP/2 connection of its own: all that a proxy needs to talk to its control plane, without
 * `node:http2` (docs/decisions/0004-small-proxy.md). RFC 9113; gRPC over HTTP/2 protocol.
 *
 *   connecting ──▶ open ──▶ closed (always told once, with a gRPC status)
 */
import type { Socket } from 'node:net'
import net from 'node:net'
import type { Frame } from '#/codec/http2/frame.ts'
import {
  defaultWindowBytes,
  errorCodes,
  FrameReader,
  flags,
  frameBytesMax,
  frameTypes,
  Http2Fault,
  preface,
  settingIds,
  settingsPayload,
  uint32Payload,
  unpadded,
  writeFrame,
} from '#/codec/http2/frame.ts'
import { HpackDecoder } from '#/codec/http2/hpack/decoder.ts'
import { encodeHeaderBlock } from '#/codec/http2/hpack/encoder.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { MessageReader, messagePrefix } from './message-reader.ts'

export interface GrpcStatus {
  /** https://grpc.io/docs/guides/status-codes/; 14 (unavailable) for a lost connection. */
  code: number
  message: string
}

export interface GrpcStreamOptions {
  address: HostPort
  /** `/package.Service/Method`. */
  path: string
  onOpen?: () => void
  /** A whole message; the bytes are the callee's. */
  onMessage: (message: Uint8Array) => void
  /** Called once, also when the connection could not be made. */
  onClosed: (status: GrpcStatus) => void
  /** Longest message accepted, bytes. */
  messageBytesMax?: number
  /** A ping is sent after this time without a byte; without an answer for as long again the connection is lost. ms. */
  keepaliveMs?: number
  /** Makes the socket; `node:net` without TLS unless given. */
  dial?: (address: HostPort) => Socket
}

const streamId = 1
/** Big enough that a first snapshot of thousands of resources never waits for a window update. */
const receiveWindowBytes = 16 * 1024 * 1024

export class GrpcStream {
  readonly #options: Required<GrpcStreamOptions>
  readonly #socket: Socket
  readonly #frames = new FrameReader()
  readonly #hpack = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65_536 })
  readonly #messages: MessageReader
  #headerBlock: Buffer[] = []
  #headerFlags = 0
  #isClosed = false
  #connectionWindow = defaultWindowBytes
  #streamWindow = defaultWindowBytes
  #initialWindow = defaultWindowBytes
  #peerFrameBytes = frameBytesMax
  #queue: Buffer[] = []
  #received = 0
  #keepalive: NodeJS.Timeout | undefined
  #isPingOut = false

  constructor(options: GrpcStreamOptions) {
    this.#options = {
      messageBytesMax: 64 * 1024 * 1024,
      keepaliveMs: 30_000,
      onOpen: () => undefined,
      dial: ({ host, port }) => net.connect({ host, port, noDelay: true }),
      ...options,
    }
    this.#messages = new MessageReader(this.#options.messageBytesMax)
    this.#socket = this.#options.dial(options.address)
    this.#socket.on('connect', () => this.#open())
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.#socket.on('error', (error) => this.#close({ code: 14, message: error.message }))
    this.#socket.on('close', () => this.#close({ code: 14, message: 'the connection was closed' }))
  }

  /** Sends one message; waits in memory while the peer's window is full. Without effect once closed. */
  send(message: Uint8Array): void {
    if (this.#isClosed) return
    this.#queue.push(messagePrefix(message.length), Buffer.from(message))
    this.#pump()
  }

  /** Ends the stream; `onClosed` tells status 1 (cancelled). */
  close(): void {
    if (this.#isClosed) return
    this.#write(writeFrame(frameTypes.rstStream, 0, streamId, uint32Payload(errorCodes.cancel)))
    this.#socket.end()
    this.#close({ code: 1, message: 'cancelled' })
  }

  #open(): void {
    const { address, path } = this.#options
    const settings = settingsPayload([
      [settingIds.enablePush, 0],
      [settingIds.initialWindowSize, receiveWindowBytes],
    ])
    const headers = [
      ':method',
      'POST',
      ':scheme',
      'http',
      ':path',
      path,
      ':authority',
      formatHostPort(address),
      'content-type',
      'application/grpc+proto',
      'te',
      'trailers',
      'user-agent',
      'weft',
    ]
    this.#socket.write(
      Buffer.concat([
        preface,
        writeFrame(frameTypes.settings, 0, 0, settings),
        writeFrame(frameTypes.windowUpdate, 0, 0, uint32Payload(receiveWindowBytes - defaultWindowBytes)),
        writeFrame(frameTypes.headers, flags.endHeaders, streamId, encodeHeaderBlock(headers)),
      ]),
    )
    this.#armKeepalive()
    this.#options.onOpen()
    this.#pump()
  }

  #onData(chunk: Buffer): void {
    this.#isPingOut = false
    this.#armKeepalive()
    try {
      this.#frames.read(chunk, (frame) => {
        if (!this.#isClosed) this.#onFrame(frame)
      })
    } catch (error) {
      const code = error instanceof Http2Fault ? error.code : errorCodes.compressionError
      this.#write(writeFrame(frameTypes.goaway, 0, 0, Buffer.concat([uint32Payload(0), uint32Payload(code)])))
      this.#close({ code: 13, message: error instanceof Error ? error.message : String(error) })
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#headerBlock.length > 0 && frame.type !== frameTypes.continuation) {
      throw new Http2Fault(errorCodes.protocolError, 'a header block is interrupted')
    }
    const { type } = frame
    if (type === frameTypes.data) this.#onStreamData(frame)
    else if (type === frameTypes.headers || type === frameTypes.continuation) this.#onHeaders(frame)
    else if (type === frameTypes.settings) this.#onSettings(frame)
    else if (type === frameTypes.windowUpdate) this.#onWindowUpdate(frame)
    else if (type === frameTypes.ping) this.#onPing(frame)
    else if (type === frameTypes.goaway) this.#onGoaway(frame)
    else if (type === frameTypes.rstStream) this.#close({ code: 14, message: 'the control plane reset the stream' })
  }

  #onPing(frame: Frame): void {
    if (!(frame.flags & flags.ack)) this.#write(writeFrame(frameTypes.ping, flags.ack, 0, frame.payload))
  }

  /** A server that goes away lets streams finish that it knows; ours never does by itself, so we move on at once. */
  #onGoaway(frame: Frame): void {
    const text = frame.payload.subarray(8).toString('latin1')
    this.#close({ code: 14, message: `the control plane goes away${text === '' ? '' : `: ${text}`}` })
  }

  #onStreamData(frame: Frame): void {
    this.#received += frame.payload.length
    if (this.#received >= receiveWindowBytes / 2) {
      const credit = uint32Payload(this.#received)
      this.#write(writeFrame(frameTypes.windowUpdate, 0, 0, credit))
      this.#write(writeFrame(frameTypes.windowUpdate, 0, streamId, credit))
      this.#received = 0
    }
    for (const message of this.#messages.read(unpadded(frame))) this.#options.onMessage(message)
    if (frame.flags & flags.endStream) this.#close({ code: 2, message: 'the stream ended without a status' })
  }

  #onHeaders(frame: Frame): void {
    if (frame.type === frameTypes.headers) this.#headerFlags = frame.flags
    this.#headerBlock.push(Buffer.from(frame.type === frameTypes.headers ? unpadded(frame) : frame.payload))
    if (!(frame.flags & flags.endHeaders)) {
      if (this.#headerBlock.length > 16)
        throw new Http2Fault(errorCodes.protocolError, 'a header block of too many frames')
      return
    }
    const list = this.#hpack.decode(Buffer.concat(this.#headerBlock))
    this.#headerBlock = []
    const field = (name: string): string | undefined => {
      const at = list.findIndex((text, index) => index % 2 === 0 && text === name)
      return at < 0 ? undefined : list[at + 1]
    }
    const status = field(':status')
    const grpcStatus = field('grpc-status')
    if (grpcStatus !== undefined) {
      const message = decodeURIComponent(field('grpc-message') ?? '')
      this.#close({ code: Number(grpcStatus), message })
    } else if (status !== undefined && status !== '200') {
      this.#close({ code: 14, message: `answered with HTTP status ${status}` })
    } else if (this.#headerFlags & flags.endStream) {
      this.#close({ code: 2, message: 'the stream ended without a status' })
    }
  }

  #onSettings(frame: Frame): void {
    if (frame.flags & flags.ack) return
    for (let at = 0; at + 6 <= frame.payload.length; at += 6) {
      const id = frame.payload.readUInt16BE(at)
      const value = frame.payload.readUInt32BE(at + 2)
      if (id === settingIds.initialWindowSize) {
        this.#streamWindow += value - this.#initialWindow
        this.#initialWindow = value
      } else if (id === settingIds.maxFrameSize) this.#peerFrameBytes = value
    }
    this.#write(writeFrame(frameTypes.settings, flags.ack, 0, new Uint8Array()))
    this.#pump()
  }

  #onWindowUpdate(frame: Frame): void {
    const credit = frame.payload.readUInt32BE(0) & 0x7fffffff
    if (frame.streamId === 0) this.#connectionWindow += credit
    else this.#streamWindow += credit
    this.#pump()
  }

  /** Sends what waits, as far as the peer's windows reach. */
  #pump(): void {
    if (this.#socket.connecting || this.#isClosed) return
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const room = Math.min(this.#connectionWindow, this.#streamWindow, this.#peerFrameBytes)
      if (room <= 0) return
      const part = next.subarray(0, room)
      this.#connectionWindow -= part.length
      this.#streamWindow -= part.length
      this.#write(writeFrame(frameTypes.data, 0, streamId, part))
      if (part.length === next.length) this.#queue.shift()
      else this.#queue[0] = next.subarray(part.length)
    }
  }

  #write(bytes: Buffer): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(bytes)
  }

  #armKeepalive(): void {
    clearTimeout(this.#keepalive)
    this.#keepalive = setTimeout(() => {
      if (this.#isPingOut) {
        this.#close({ code: 14, message: `no byte for ${this.#options.keepaliveMs * 2} ms` })
        return
      }
      this.#isPingOut = true
      this.#write(writeFrame(frameTypes.ping, 0, 0, Buffer.alloc(8)))
      this.#armKeepalive()
    }, this.#options.keepaliveMs)
    this.#keepalive.unref()
  }

  #close(status: GrpcStatus): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#keepalive)
    this.#queue = []
    this.#socket.destroySoon()
    this.#options.onClosed(status)
  }
}
