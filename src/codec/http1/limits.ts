/** Bounds on what a peer may make us hold or wait for. */

export interface Http1Limits {
  /** Longest request or status line, bytes without its CRLF. 414 beyond it. */
  requestLineBytesMax: number
  /** All header bytes of a message, its first line included; also all trailers of a body. 431 beyond it. */
  headerBytesMax: number
  /** Fields of a head, and of trailers. 431 beyond it. */
  headerCountMax: number
  /** Chunk extensions of a body in all, bytes: without it a body of tiny chunks would cost far more than it carries. 400 beyond it. */
  chunkExtensionBytesMax: number
  /** Bytes of further requests that a client may send before the answer to the present one is through; reading stops there. */
  pipelinedBytesMax: number
  /** Answers of 1xx before the real one. A protocol error beyond it. */
  informationalCountMax: number
  /** The rest of a request's body that is read and dropped after its answer, bytes; beyond it the connection closes instead. */
  discardBytesMax: number
  /** Bytes waiting for a slow reader before the other side is paused. */
  outputBytesMax: number
  /** From the first byte of a head to its end, ms. 408 beyond it. */
  headerTimeoutMs: number
  /** A connection without a request is closed after this time, ms. */
  idleTimeoutMs: number
  /** A client that owes a body, or has answers to take, and moves no byte for this long is cut off, ms. */
  stallTimeoutMs: number
  /** How long the client may take to read a last answer before the connection is cut (RFC 9112 section 9.6), ms. */
  lingerTimeoutMs: number
}

export const defaultLimits: Http1Limits = {
  requestLineBytesMax: 8192,
  headerBytesMax: 65_536,
  headerCountMax: 200,
  // What Node allows.
  chunkExtensionBytesMax: 16_384,
  pipelinedBytesMax: 65_536,
  informationalCountMax: 32,
  discardBytesMax: 262_144,
  outputBytesMax: 65_536,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  stallTimeoutMs: 60_000,
  lingerTimeoutMs: 1000,
}
