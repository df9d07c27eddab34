/**
 * The seam between codecs and the proxy: a request with its answer is a stream, whatever protocol carries it.
 *
 * Bytes flow by plain calls on objects that live as long as the stream: no closures, emitters or promises a request.
 * Back pressure: a writer that answers `false` is full; it calls `onWritable` of its owner when there is room again, and
 * the owner calls `pause` and `resume` on the reader that feeds it. Chunks belong to the callee only during the call,
 * unless it copies them or hands them to a socket.
 *
 *   client ──bytes──▶ ServerConnection ──▶ ServerStream ⇄ (the proxy) ⇄ ClientStream ──▶ ClientConnection ──bytes──▶ upstream
 *
 * The life of either side: head → data* → end | reset. After `end` or `reset` in a direction nothing more comes there.
 */
import type { HeaderList, RequestHead, ResponseHead } from './message.ts'

/** Why a stream ended early; the words of the RFCs where they have one. */
export type ResetReason =
  /** The peer closed or reset, or the connection was lost. */
  | 'connection-lost'
  /** The peer broke the rules of framing. */
  | 'protocol-error'
  /** The peer did not take or send bytes in time. */
  | 'timeout'
  /** We gave up (the other side is gone, a timeout of the route). */
  | 'cancelled'
  /** The peer said that it did not begin with the request (HTTP/2 REFUSED_STREAM, GOAWAY). */
  | 'refused'

/** One request as it came in, and the way to answer it. Made by a server connection. */
export interface ServerStream {
  readonly head: RequestHead
  /** Peer of the connection, as an address without port. */
  readonly remoteAddress: string
  /** Answers 1xx; `100` at most once. Without effect when the client speaks HTTP/1.0. */
  writeInformational(status: number, headers: HeaderList): void
  /** Answers; exactly once, unless reset. Status 101 turns both directions into raw bytes. `isEnd`: there is no body. */
  writeHead(head: ResponseHead, isEnd: boolean): void
  /** @returns false when full: wait for `onWritable`. */
  writeData(chunk: Uint8Array): boolean
  writeEnd(trailers?: HeaderList): void
  /** Ends at once: HTTP/1 closes the connection, HTTP/2 resets the stream. */
  reset(reason: ResetReason): void
  /** Stops and restarts the body of the request. */
  pause(): void
  resume(): void
}

/** What the proxy does with a request. One object a stream, made by `ServerHandler.onStream`. */
export interface ServerSink {
  onData(chunk: Uint8Array): void
  /** The body is through. Not called for a request to upgrade without a body: there it ends the client's side of the tunnel. */
  onEnd(trailers: HeaderList | undefined): void
  /** The client is gone, or broke the rules in the middle. Nothing more comes; nothing more can be written. */
  onReset(reason: ResetReason): void
  /** There is room again after `writeData` answered false. */
  onWritable(): void
  /** The answer has left: its last byte was given to the system. */
  onFinished(): void
}

export interface ServerHandler {
  /** A request's head is whole. Its body follows in later turns, after `onStream` has returned. */
  onStream(stream: ServerStream): ServerSink
  /** Bytes that are no request, refused by the codec itself with `status`. `code` is a key of `errorCodes`. */
  onMalformed(code: string, detail: string): void
  /** The connection is closed because it had no request for too long: nobody's fault. Absent: nobody listens. */
  onIdleClosed?(): void
}

/** One request on its way out. Made by a client connection. */
export interface ClientStream {
  /** @returns false when full: wait for `onWritable`. */
  writeData(chunk: Uint8Array): boolean
  writeEnd(trailers?: HeaderList): void
  reset(reason: ResetReason): void
  pause(): void
  resume(): void
}

/** Takes the answer. */
export interface ClientSink {
  /** 1xx other than 101. */
  onInformational(status: number, headers: HeaderList): void
  /** 101 turns both directions into raw bytes. `isEnd`: there is no body. */
  onHead(head: ResponseHead, isEnd: boolean): void
  onData(chunk: Uint8Array): void
  onEnd(trailers: HeaderList | undefined): void
  /** `hasBytes`: something of the answer had come. `wasSent`: something of the request had been handed to the system. */
  onReset(reason: ResetReason, state: { wasSent: boolean; hasBytes: boolean; detail: string }): void
  onWritable(): void
}

/** A connection to an endpoint that carries requests. */
export interface ClientConnection {
  /** Requests that may be started now: 0 or 1 for HTTP/1, more for HTTP/2. */
  readonly capacity: number
  /** Requests under way. */
  readonly active: number
  /** What the endpoint takes is known; HTTP/2: its SETTINGS have come. Absent: it is. */
  readonly isSettled?: boolean
  /** A request to upgrade can cross, as far as is known. Absent: it can. */
  readonly takesUpgrade?: boolean
  /** Starts a request; only when `capacity` is above 0. `isEnd`: there is no body. */
  request(head: RequestHead, sink: ClientSink, isEnd: boolean): ClientStream
  /** Closes when the requests under way are done. */
  drain(): void
  /** Closes now. */
  destroy(): void
}

/** The owner of a client connection: the pool. */
export interface ClientConnectionOwner {
  /** There is capacity again. */
  onIdle(connection: ClientConnection): void
  /** It can carry no further requests. Called once. */
  onClosed(connection: ClientConnection): void
}
