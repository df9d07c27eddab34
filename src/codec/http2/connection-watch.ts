/** The clock of a connection, and its counters against floods: what the peer must do in time, and not too often. */
import type { Clock } from '#/std/clock.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import { WheelTimer } from '../timer-wheel.ts'
import { FloodGuard } from './flood-guard.ts'
import { errorCodes, Http2Fault } from './frame.ts'
import type { Http2Limits } from './limits.ts'

/** As Envoy allows (`max_inbound_window_update_frames_per_data_frame_sent`): gRPC clients ping at every round trip that brings data. */
const idleFramesPerUsefulMax = 10

export interface WatchedConnection {
  readonly streamCount: number
  /** DATA with bytes and header blocks, in both directions, so far. */
  readonly usefulFrameCount: number
  /** Streams that ended without a reset, so far. */
  readonly wholeStreamCount: number
  /** Nothing was under way for `idleTimeoutMs`. */
  onIdleTooLong(): void
  /** Something is under way: look whether it stands still. */
  onLook(nowMs: number): void
  /** The peer has had its time to read the last frames. */
  onLingered(): void
  onFault(error: unknown): void
}

export class ConnectionWatch {
  readonly #connection: WatchedConnection
  readonly #limits: Http2Limits
  readonly #wheel: TimerWheel
  readonly #clock: Clock
  readonly #resets: FloodGuard
  readonly #idleFrames: FloodGuard
  readonly #timer = new WheelTimer(() => this.#tick())
  /** What was earned by, so far. */
  #paidFrames = 0
  #paidStreams = 0
  /** Since when it is awaited, ms; -1 for nothing. */
  #settingsSentMs = -1
  #blockSinceMs = -1
  #wasIdle = false
  #isLingering = false

  constructor(
    connection: WatchedConnection,
    { limits, wheel, clock }: { limits: Http2Limits; wheel: TimerWheel; clock: Clock },
  ) {
    this.#connection = connection
    this.#limits = limits
    this.#wheel = wheel
    this.#clock = clock
    this.#resets = new FloodGuard({ burst: limits.resetBurstMax, perSecond: limits.resetsPerSecondMax, clock })
    const { idleFrameBurstMax, idleFramesPerSecondMax } = limits
    this.#idleFrames = new FloodGuard({ burst: idleFrameBurstMax, perSecond: idleFramesPerSecondMax, clock })
  }

  /** @throws Http2Fault when there were too many frames that carry nothing. */
  countIdleFrame(what: string): void {
    if (this.#idleFrames.take()) return
    const { usefulFrameCount } = this.#connection
    this.#idleFrames.earn((usefulFrameCount - this.#paidFrames) * idleFramesPerUsefulMax)
    this.#paidFrames = usefulFrameCount
    if (!this.#idleFrames.take()) throw new Http2Fault(errorCodes.enhanceYourCalm, `too many ${what}`)
  }

  /** @throws Http2Fault when too many streams were reset, by the peer or by its fault. */
  countReset(): void {
    if (this.#resets.take()) return
    const { wholeStreamCount } = this.#connection
    this.#resets.earn(wholeStreamCount - this.#paidStreams)
    this.#paidStreams = wholeStreamCount
    if (!this.#resets.take()) throw new Http2Fault(errorCodes.enhanceYourCalm, 'too many streams are reset')
  }

  settingsSent(): void {
    if (this.#settingsSentMs < 0) this.#settingsSentMs = this.#clock.monotonicMs()
  }

  settingsAcknowledged(): void {
    this.#settingsSentMs = -1
  }

  /** The timer is not set anew: a peer that begins ever new blocks would put off all that is due. */
  blockBegun(): void {
    this.#blockSinceMs = this.#clock.monotonicMs()
    this.wake()
  }

  blockEnded(): void {
    this.#blockSinceMs = -1
  }

  /** From now on something is under way. */
  start(): void {
    const { stallTimeoutMs, headerTimeoutMs, settingsTimeoutMs, idleTimeoutMs, keepaliveMs } = this.#limits
    this.#wasIdle = this.#connection.streamCount === 0 && this.#settingsSentMs < 0 && this.#blockSinceMs < 0
    // One that stands still is looked at more than once.
    const lookMs = Math.min(stallTimeoutMs, keepaliveMs || stallTimeoutMs) / 2
    const shortestMs = Math.min(lookMs, headerTimeoutMs, settingsTimeoutMs, idleTimeoutMs)
    this.#wheel.set(this.#timer, this.#wasIdle ? idleTimeoutMs : shortestMs)
  }

  /** Something is under way: a watch that was set for an idle connection comes sooner. */
  wake(): void {
    if (this.#wasIdle) this.start()
  }

  linger(): void {
    this.#isLingering = true
    this.#wheel.set(this.#timer, this.#limits.lingerTimeoutMs)
  }

  stop(): void {
    this.#wheel.cancel(this.#timer)
  }

  #tick(): void {
    const { headerTimeoutMs, settingsTimeoutMs } = this.#limits
    if (this.#isLingering) this.#connection.onLingered()
    else if (this.#isLate(this.#settingsSentMs, settingsTimeoutMs)) {
      const detail = `no acknowledgement of SETTINGS in ${settingsTimeoutMs} ms`
      this.#connection.onFault(new Http2Fault(errorCodes.settingsTimeout, detail, 'client_stalled'))
    } else if (this.#isLate(this.#blockSinceMs, headerTimeoutMs)) {
      const detail = `no whole header block in ${headerTimeoutMs} ms`
      this.#connection.onFault(new Http2Fault(errorCodes.enhanceYourCalm, detail, 'request_header_timeout'))
    } else if (this.#wasIdle && this.#connection.streamCount === 0) this.#connection.onIdleTooLong()
    else {
      this.#connection.onLook(this.#clock.monotonicMs())
      this.start()
    }
  }

  #isLate(sinceMs: number, limitMs: number): boolean {
    return sinceMs >= 0 && this.#clock.monotonicMs() - sinceMs >= limitMs
  }
}
