/**
 * What the peer may still send (RFC 9113 section 5.2). A stream's credit comes back when its bytes have been passed on; the
 * connection's comes back at once, so that one slow reader does not stop the others, until too much waits here.
 * Windows grow to what the way needs: while large bodies come, a PING measures how many bytes come in a round trip, and when
 * that is most of a window it is made twice that (as gRPC's BDP estimate does).
 */
import { defaultWindowBytes } from './frame.ts'
import type { Http2Limits } from './limits.ts'

export class ReceiveWindow {
  readonly #limits: Http2Limits
  /** What the connection's window is kept at. */
  readonly connectionBytes: number
  /** What a stream's window is kept at. */
  streamBytes: number
  /** What the peer may send now, on the whole connection. */
  #left = defaultWindowBytes
  #owed = 0
  /** Bytes of all streams that wait for slow readers. */
  #buffered = 0
  #sampleBytes = -1

  constructor(limits: Http2Limits) {
    this.#limits = limits
    this.streamBytes = limits.streamWindowBytes
    this.connectionBytes = Math.max(defaultWindowBytes, limits.bufferedBytesMax)
  }

  /** The credit that opens the connection's window to what we want. */
  open(): number {
    const credit = this.connectionBytes - this.#left
    this.#left = this.connectionBytes
    return credit
  }

  /** @returns false when the peer sent more than it may. */
  receive(bytes: number): boolean {
    this.#left -= bytes
    this.#owed += bytes
    if (this.#sampleBytes >= 0) this.#sampleBytes += bytes
    return this.#left >= 0
  }

  hold(bytes: number): void {
    this.#buffered += bytes
  }

  passOn(bytes: number): void {
    this.#buffered -= bytes
  }

  /** @returns credit for the connection to be sent now, 0 for none. */
  takeCredit(): number {
    if (this.#owed < this.connectionBytes / 4 || this.#buffered >= this.#limits.bufferedBytesMax / 2) return 0
    const credit = this.#owed
    this.#owed = 0
    this.#left += credit
    return credit
  }

  /** @returns true when a round trip should be measured. */
  beginSample(): boolean {
    if (this.#sampleBytes >= 0 || this.streamBytes >= this.#limits.streamWindowBytesMax) return false
    this.#sampleBytes = 0
    return true
  }

  /** The round trip is over. @returns by how many bytes the window of every stream grows; 0 for none. */
  endSample(): number {
    const bytes = this.#sampleBytes
    this.#sampleBytes = -1
    if (bytes * 1.5 < this.streamBytes) return 0
    const before = this.streamBytes
    this.streamBytes = Math.min(this.#limits.streamWindowBytesMax, Math.max(before, bytes * 2))
    return this.streamBytes - before
  }
}
