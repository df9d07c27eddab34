/**
 * One try of a request at one endpoint: waits for a connection, sends, hands the answer on. An attempt that was given up
 * is deaf, so a late word of it can't disturb the next one.
 *
 *   waiting ──connection──▶ open ──end | reset──▶ over
 *      └────────connect failed, cancelled──────────▲
 */
import type { HeaderList, RequestHead, ResponseHead } from '#/codec/message.ts'
import type { ClientConnection, ClientSink, ClientStream, ResetReason } from '#/codec/stream.ts'
import type { Breaker } from '#/proxy/health/breaker.ts'
import { isLocalFault, judgedStatus, waitsForTrailers } from '#/proxy/health/judged-status.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { EndpointPool, PoolClient } from './endpoint-pool.ts'
import type { UpstreamSlot } from './upstream-cluster.ts'

export interface AttemptFailure {
  code: ErrorCodeName
  detail: string
  /** Something of an answer had come. */
  hasAnswerBytes: boolean
  /**
   * The connection was at fault, not the endpoint: a kept one turned out to be closed before it brought anything (the usual
   * race of keep-alive), or it took no further streams.
   */
  isIdleClose: boolean
  /** Something of the request had been handed to the system. */
  wasSent: boolean
}

export interface AttemptOwner {
  /** Writes what the request's head needs for this endpoint; called once there is a connection. */
  headFor(slot: UpstreamSlot): RequestHead
  /** The head is on its way; the body may follow. */
  onAttemptOpen(stream: ClientStream): void
  onAttemptInformational(status: number, headers: HeaderList): void
  onAttemptHead(head: ResponseHead, isEnd: boolean): void
  onAttemptData(chunk: Uint8Array): void
  onAttemptEnd(trailers: HeaderList | undefined): void
  onAttemptFailed(failure: AttemptFailure): void
  onAttemptWritable(): void
}

export interface AttemptOptions {
  owner: AttemptOwner
  slot: UpstreamSlot
  /** The request has no body. */
  isEnd: boolean
  isRepeatable: boolean
  isUpgrade: boolean
  /** It was taken from there, and is given back when it is over. */
  breaker: Breaker | undefined
  /** Not the request's first. */
  isRetry: boolean
}

const failureCodes: Record<ResetReason, ErrorCodeName> = {
  'connection-lost': 'upstream_reset',
  'protocol-error': 'upstream_protocol_error',
  timeout: 'backend_timeout',
  cancelled: 'upstream_reset',
  refused: 'upstream_refused',
}

const unsent = { hasAnswerBytes: false, isIdleClose: false, wasSent: false }

export class Attempt implements ClientSink, PoolClient {
  readonly slot: UpstreamSlot
  readonly isRepeatable: boolean
  readonly isUpgrade: boolean
  readonly #owner: AttemptOwner
  readonly #isEnd: boolean
  #pool: EndpointPool | undefined
  #stream: ClientStream | undefined
  #isReused = false
  #hasAnswerBytes = false
  #isTunnel = false
  /** What the answer comes to stands in its trailers. */
  #isJudgedByTrailers = false
  readonly #breaker: Breaker | undefined
  readonly #isRetry: boolean
  #beganMs = 0
  #isOver = false

  constructor({ owner, slot, isEnd, isRepeatable, isUpgrade, breaker, isRetry }: AttemptOptions) {
    this.#owner = owner
    this.slot = slot
    this.#isEnd = isEnd
    this.isRepeatable = isRepeatable
    this.isUpgrade = isUpgrade
    this.#breaker = breaker
    this.#isRetry = isRetry
  }

  /** @param isFresh take no reused connection. */
  start(pool: EndpointPool, isFresh: boolean): void {
    this.slot.acquire()
    if (this.slot.latency) this.#beganMs = this.slot.latency.begin()
    this.#pool = pool
    pool.acquire(this, isFresh)
  }

  /** Gives up without a word to the owner. */
  cancel(reason: ResetReason): void {
    if (!this.#finish(true)) return
    if (reason === 'timeout') this.#blame()
    if (this.#stream) this.#stream.reset(reason)
    else this.#pool?.cancel(this)
  }

  /** Both directions of the tunnel are through. */
  closeTunnel(): void {
    this.#finish(false)
  }

  pause(): void {
    if (!this.#isOver) this.#stream?.pause()
  }

  resume(): void {
    if (!this.#isOver) this.#stream?.resume()
  }

  onConnection(connection: ClientConnection, isReused: boolean): void {
    this.#isReused = isReused
    if (this.isUpgrade && connection.takesUpgrade === false) {
      this.onConnectFailed('upstream_takes_no_upgrade', this.slot.key)
      return
    }
    try {
      this.#stream = connection.request(this.#owner.headFor(this.slot), this, this.#isEnd)
    } catch (error) {
      // A head that can't be written (a configured value with a line break): nothing was sent, but the connection is taken.
      // One that others share is none the worse for it.
      if (connection.active === 0) connection.destroy()
      this.onConnectFailed('extension_failed', error instanceof Error ? error.message : String(error))
      return
    }
    this.#owner.onAttemptOpen(this.#stream)
  }

  onConnectFailed(code: ErrorCodeName, detail: string): void {
    if (!this.#finish(true)) return
    if (isLocalFault(code)) this.#blame()
    this.#owner.onAttemptFailed({ code, detail, ...unsent })
  }

  onInformational(status: number, headers: HeaderList): void {
    if (!this.#isOver) this.#owner.onAttemptInformational(status, headers)
  }

  onHead(head: ResponseHead, isEnd: boolean): void {
    if (this.#isOver) return
    this.#hasAnswerBytes = true
    this.#isTunnel = head.status === 101
    const { health, latency } = this.slot
    // What an intermediary says at once of those behind it must not look fast (RFC 9110, section 15.6).
    latency?.end(this.#beganMs, head.status >= 502 && head.status <= 504)
    if (health !== undefined) {
      this.#isJudgedByTrailers = !isEnd && waitsForTrailers(head)
      if (!this.#isJudgedByTrailers) health.onAnswer(judgedStatus(head.status, head.headers))
    }
    if (isEnd) this.#finish(false)
    this.#owner.onAttemptHead(head, isEnd)
  }

  onData(chunk: Uint8Array): void {
    if (!this.#isOver) this.#owner.onAttemptData(chunk)
  }

  onEnd(trailers: HeaderList | undefined): void {
    if (this.#isOver) return
    // A tunnel is only half closed: the other direction may go on until its owner closes it.
    if (!this.#isTunnel) this.#finish(false)
    if (this.#isJudgedByTrailers) this.slot.health?.onAnswer(judgedStatus(200, trailers))
    this.#owner.onAttemptEnd(trailers)
  }

  onReset(reason: ResetReason, state: { wasSent: boolean; hasBytes: boolean; detail: string }): void {
    const { wasSent, detail } = state
    if (!this.#finish(true)) return
    const isLost = reason === 'connection-lost'
    const hasAnswerBytes = this.#hasAnswerBytes || state.hasBytes
    // A kept connection that turns out to be closed is the usual race of keep-alive, and says nothing.
    const isIdleClose = reason === 'refused' || (isLost && this.#isReused && !hasAnswerBytes)
    if (!isIdleClose && reason !== 'cancelled') this.#blame()
    const code = isLost && !wasSent ? 'upstream_connect_failed' : failureCodes[reason]
    this.#owner.onAttemptFailed({
      code,
      detail: `${this.slot.key}: ${detail}`,
      hasAnswerBytes,
      isIdleClose,
      wasSent: wasSent && reason !== 'refused',
    })
  }

  onWritable(): void {
    if (!this.#isOver) this.#owner.onAttemptWritable()
  }

  /** The endpoint gave no answer, by no fault of ours. */
  #blame(): void {
    this.slot.health?.onLocalFailure()
    this.slot.latency?.end(this.#beganMs, true)
  }

  #finish(isFailure: boolean): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.slot.release(isFailure)
    this.#breaker?.release(this.#isRetry)
    return true
  }
}
