/** Bounds on what an HTTP/2 peer may make us hold, do or wait for. */

export interface Http2Limits {
  /** Requests under way at a time that we allow a client; more are refused. */
  streamsMax: number
  /** A header list with 32 bytes for each field (RFC 9113 section 10.5.1), and a header block as it came. 431, and the connection, beyond it. */
  headerBytesMax: number
  /** Fields of a header list. 431 beyond it. */
  headerCountMax: number
  /** Of `:path`, bytes. 414 beyond it. */
  requestLineBytesMax: number
  /** Our dynamic table, and the largest that we keep for the peer, bytes. */
  headerTableBytesMax: number
  /** What a peer may send on a stream before we have passed it on, bytes; at first, and at most. */
  streamWindowBytes: number
  streamWindowBytesMax: number
  /**
   * The window of the connection, bytes. When half of it waits here for slow readers the connection stops taking more: so many
   * times a stream's window as slow streams that do not stop the others.
   */
  bufferedBytesMax: number
  /** Bytes that wait for a slow peer before the other sides are paused. */
  outputBytesMax: number
  /** Bytes of heads and of frames that steer, which are not held back, that may wait beyond those; the connection is closed beyond it. */
  queueBytesMax: number
  /** Answers of 1xx before the real one. */
  informationalCountMax: number
  /**
   * Streams that end by RST_STREAM, whoever's it is: so many at once, so many a second after that, and as many as end without
   * one (CVE-2023-44487, CVE-2025-8671).
   */
  resetBurstMax: number
  resetsPerSecondMax: number
  /**
   * Frames that carry nothing (PING, SETTINGS, PRIORITY, empty DATA, tiny windows, unknown ones), counted in the same way: so
   * many at once, so many a second, and ten for each frame of use.
   */
  idleFrameBurstMax: number
  idleFramesPerSecondMax: number
  /** Frames of a header block; a block of many tiny ones costs more than it carries (CVE-2024-27316). */
  continuationCountMax: number
  /** From the first frame of a header block to its last, and from our SETTINGS to their acknowledgement, ms. */
  headerTimeoutMs: number
  settingsTimeoutMs: number
  /** A connection without a stream is closed after this time, ms. */
  idleTimeoutMs: number
  /**
   * A server that is silent for this long while requests are under way is asked for life by PING, and after twice the time the
   * connection is given up, ms; 0 for never: servers of gRPC send clients away that ping more often than each 5 minutes (gRFC A8).
   */
  keepaliveMs: number
  /** A peer that owes a body, or has one to take, and moves no byte of it for this long loses the stream, ms. */
  stallTimeoutMs: number
  /** How long a peer may take for the last frames before the connection is cut, ms. */
  lingerTimeoutMs: number
}

export const defaultHttp2Limits: Http2Limits = {
  streamsMax: 256,
  headerBytesMax: 65_536,
  headerCountMax: 200,
  requestLineBytesMax: 8192,
  headerTableBytesMax: 4096,
  streamWindowBytes: 262_144,
  streamWindowBytesMax: 524_288,
  bufferedBytesMax: 4_194_304,
  outputBytesMax: 65_536,
  queueBytesMax: 1_048_576,
  informationalCountMax: 32,
  resetBurstMax: 1000,
  resetsPerSecondMax: 200,
  idleFrameBurstMax: 2000,
  idleFramesPerSecondMax: 1000,
  continuationCountMax: 32,
  headerTimeoutMs: 10_000,
  settingsTimeoutMs: 10_000,
  idleTimeoutMs: 3_600_000,
  keepaliveMs: 0,
  stallTimeoutMs: 60_000,
  lingerTimeoutMs: 1000,
}
