/** Bounds on what a peer may make us hold or wait for. */

export interface Http1Limits {
  /** Longest request or status line, bytes. 414 beyond it. */
  requestLineBytesMax: number
  /** All header bytes of a message, its first line included. 431 beyond it. */
  headerBytesMax: number
  /** Fields of a message. 431 beyond it. */
  headerCountMax: number
  /** Longest chunk-size line with its extensions, bytes. 400 beyond it. */
  chunkLineBytesMax: number
  /** Bytes of further requests that a client may send before the answer to the present one is through; reading stops there. */
  pipelinedBytesMax: number
  /** From the first byte of a head to its end, ms. 408 beyond it. */
  headerTimeoutMs: number
  /** A connection without a request is closed after this time, ms. */
  idleTimeoutMs: number
  /** Bytes waiting for a slow reader before the other side is paused. */
  outputBytesMax: number
}

export const defaultLimits: Http1Limits = {
  requestLineBytesMax: 8192,
  headerBytesMax: 65_536,
  headerCountMax: 200,
  chunkLineBytesMax: 1024,
  pipelinedBytesMax: 65_536,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  outputBytesMax: 65_536,
}
