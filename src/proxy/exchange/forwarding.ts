/**
 * Sending a request on: attempts, one after the other, until an answer is good enough to be given to the client.
 * What certainly reached no application is tried elsewhere, policy or not; all else is the route's word (policy/retry.ts).
 */
import type { HeaderList, RequestHead, ResponseHead } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'
import type { ClientStream, ResetReason } from '#/codec/stream.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { RetryPolicy } from '#/model/route.ts'
import type { Breaker } from '#/proxy/health/breaker.ts'
import { parseGrpcStatus } from '#/proxy/policy/grpc.ts'
import type { EndedAttempt } from '#/proxy/policy/retry.ts'
import {
  isIdempotent,
  mayResendAfterIdleClose,
  mayRetry,
  retryBackoff,
  unsentAttemptsMax,
} from '#/proxy/policy/retry.ts'
import { pushbackMs, pushbackMsMax } from '#/proxy/policy/retry-pushback.ts'
import { attemptTimeoutMs } from '#/proxy/policy/timeout.ts'
import type { AttemptFailure, AttemptOwner } from '#/proxy/upstream/attempt.ts'
import { Attempt } from '#/proxy/upstream/attempt.ts'
import type { UpstreamCluster, UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import { Backoff } from '#/std/backoff.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import { headForAttempt } from './attempt-head.ts'
import type { Exchange } from './exchange.ts'
import { detailHeader, readUnsentDetail, wasCutBehind } from './mesh-header.ts'
import { sendMirrors } from './mirror-sink.ts'

export interface ForwardingOptions {
  exchange: Exchange
  cluster: UpstreamCluster
  retry: RetryPolicy | undefined
}

export class Forwarding implements AttemptOwner {
  readonly #exchange: Exchange
  readonly #cluster: UpstreamCluster
  readonly #retry: RetryPolicy | undefined
  /** Told to meshed endpoints; empty for none. */
  readonly #peerText: string
  #attempt: Attempt | undefined
  #attempts = 0
  /** Made when an attempt has failed. */
  #tried: UpstreamSlot[] | undefined
  #backoff: Backoff | undefined
  #timer: WheelTimer | undefined
  /** A retry that was taken from the breaker and has not begun: that breaker. */
  #reserved: Breaker | undefined

  constructor(options: ForwardingOptions) {
    this.#exchange = options.exchange
    this.#cluster = options.cluster
    this.#retry = options.retry
    const { road, context } = options.exchange
    this.#peerText = road.direction === 'outbound' ? context.peerText : ''
  }

  start(): void {
    const slot = this.#pick()
    if (slot) this.#try(slot, false)
    else this.#exchange.fail('no_healthy_upstream', `${this.#cluster.name} has no ready endpoint`)
    if (this.#exchange.body?.isEnded !== false) sendMirrors(this.#exchange)
  }

  cancel(reason: ResetReason): void {
    this.#stopTimer()
    this.#giveBack()
    this.#attempt?.cancel(reason)
  }

  closeTunnel(): void {
    this.#attempt?.closeTunnel()
  }

  pauseAnswer(): void {
    this.#attempt?.pause()
  }

  resumeAnswer(): void {
    this.#attempt?.resume()
  }

  // What the attempt says.

  headFor(slot: UpstreamSlot): RequestHead {
    return headForAttempt(this.#exchange, slot, this.#peerText)
  }

  onAttemptOpen(stream: ClientStream): void {
    this.#exchange.body?.attach(stream)
  }

  onAttemptInformational(status: number, headers: HeaderList): void {
    this.#exchange.informational(status, headers)
  }

  onAttemptHead(head: ResponseHead, isEnd: boolean): void {
    const exchange = this.#exchange
    try {
      const { isMeshed } = this.#attempt!.slot.endpoint
      const code = isMeshed ? readUnsentDetail(head, exchange.grpc !== undefined) : ''
      // A policy's own word on such an answer goes by its status.
      const isCut = isMeshed && code === '' && this.#retry === undefined && wasCutBehind(head)
      const cause = isCut ? 'upstream_reset' : code
      const mayRetry = (cause !== '' || this.#retry !== undefined) && this.#mayRetryAnswer(cause, head)
      if (mayRetry && this.#retryAfterAnswer(head, isEnd)) return
      this.#stopTimer()
      if (code !== '') {
        exchange.record.code = code
        exchange.record.detail = getHeader(head.headers, detailHeader) ?? ''
        exchange.record.flags = errorCodes[code].flag
      }
      exchange.answerHead(head, isEnd)
    } catch (error) {
      exchange.fault(error)
    }
  }

  onAttemptData(chunk: Uint8Array): void {
    this.#exchange.answerData(chunk)
  }

  onAttemptEnd(trailers: HeaderList | undefined): void {
    this.#exchange.answerEnd(trailers)
  }

  onAttemptWritable(): void {
    this.#exchange.body?.resume()
  }

  onAttemptFailed({ code, detail, hasAnswerBytes, isIdleClose, wasSent }: AttemptFailure): void {
    this.#stopTimer()
    const { head, body, hasAnswered } = this.#exchange
    body?.detach()
    if (hasAnswered) {
      this.#exchange.fail(code, detail)
      return
    }
    const isBodyReplayable = body?.isReplayable ?? true
    const resend = { method: head.method, hasKey: this.#hasKey(), isBodyReplayable, attempts: this.#attempts }
    const mayResend = wasSent ? mayResendAfterIdleClose(resend) : isBodyReplayable && this.#attempts < unsentAttemptsMax
    // A stream that was refused says nothing against its connection, and now it is known what the endpoint takes.
    if (isIdleClose && mayResend) this.#try(this.#attempt!.slot, code !== 'upstream_refused')
    else if (this.#mayRetry({ code, status: 0, grpcStatus: -1, hasAnswerBytes })) this.#again(code, detail)
    else this.#exchange.fail(code, detail)
  }

  #pick(): UpstreamSlot | undefined {
    const { target, hash } = this.#exchange
    if (this.#cluster.isDynamic) return target && !this.#tried ? this.#cluster.slotFor(target) : undefined
    return this.#cluster.pick(this.#tried, hash)
  }

  #try(slot: UpstreamSlot, isFresh: boolean): void {
    const exchange = this.#exchange
    const { guard } = this.#cluster
    const isRetry = this.#attempts > 0
    // Of a breaker that was replaced meanwhile there is nothing to be had.
    if (this.#reserved !== guard.breaker) this.#giveBack()
    const refusal = guard.admit(isRetry && this.#reserved === undefined)
    if (refusal !== '') {
      this.#giveBack()
      exchange.fail('upstream_overflow', refusal)
      return
    }
    this.#reserved?.beginRetry()
    this.#reserved = undefined
    this.#attempts++
    exchange.attempted(slot)
    this.#limitTime()
    this.#attempt = new Attempt({
      owner: this,
      slot,
      isEnd: exchange.head.bodyLength === 0,
      isRepeatable: isIdempotent(exchange.head.method),
      isUpgrade: exchange.head.upgrade !== '',
      breaker: guard.breaker,
      isRetry,
    })
    this.#attempt.start(this.#cluster.poolOf(slot, exchange.head), isFresh)
  }

  #limitTime(): void {
    const { timeouts, context } = this.#exchange
    if (timeouts.attemptMs === 0) return
    // The request's own timer sees to what is left of its time.
    const limitMs = attemptTimeoutMs(timeouts, this.#exchange.elapsedMs())
    if (limitMs !== timeouts.attemptMs) return
    const attempt = this.#attempts
    this.#timer = new WheelTimer(() => {
      if (attempt !== this.#attempts) return
      this.#attempt?.cancel('timeout')
      const detail = `${this.#attempt?.slot.key ?? this.#cluster.name}: no answer in ${limitMs} ms`
      this.onAttemptFailed({
        code: 'backend_timeout',
        detail,
        hasAnswerBytes: false,
        isIdleClose: false,
        wasSent: true,
      })
    })
    context.wheel.set(this.#timer, limitMs)
  }

  #stopTimer(): void {
    if (this.#timer) this.#exchange.context.wheel.cancel(this.#timer)
  }

  #mayRetryAnswer(code: ErrorCodeName | '', { status, headers }: ResponseHead): boolean {
    const grpcStatus = this.#exchange.grpc ? parseGrpcStatus(getHeader(headers, 'grpc-status')) : -1
    return this.#mayRetry({ code, status, grpcStatus, hasAnswerBytes: false })
  }

  #mayRetry(outcome: Pick<EndedAttempt, 'code' | 'status' | 'grpcStatus' | 'hasAnswerBytes'>): boolean {
    const { head, body } = this.#exchange
    const ended: EndedAttempt = {
      method: head.method,
      hasKey: this.#hasKey(),
      code: outcome.code,
      status: outcome.status,
      grpcStatus: outcome.grpcStatus,
      isBodyReplayable: body?.isReplayable ?? true,
      hasAnswerBytes: outcome.hasAnswerBytes,
      attempts: this.#attempts,
      policy: this.#retry,
    }
    return mayRetry(ended)
  }

  #hasKey(): boolean {
    return getHeader(this.#exchange.head.headers, 'idempotency-key') !== undefined
  }

  /** @returns false when there is nowhere else to go: then the answer at hand is better than none. */
  #retryAfterAnswer({ headers }: ResponseHead, isEnd: boolean): boolean {
    const failed = this.#attempt!
    const { context, timeouts } = this.#exchange
    const pauseMs = pushbackMs(headers, context.clock.wallMs())
    const leftMs = timeouts.requestMs === 0 ? pushbackMsMax : timeouts.requestMs - this.#exchange.elapsedMs()
    if (pauseMs > Math.min(leftMs, pushbackMsMax)) return false
    const slot = this.#pickAfter(failed.slot)
    if (!slot) return false
    this.#stopTimer()
    this.#exchange.body?.detach()
    if (!isEnd) failed.cancel('cancelled')
    this.#wait(slot, pauseMs)
    return true
  }

  #again(code: ErrorCodeName, detail: string): void {
    const slot = this.#pickAfter(this.#attempt!.slot)
    if (slot) this.#wait(slot, 0)
    else this.#exchange.fail(code, detail)
  }

  /** Another endpoint; when all were tried, any, if the user asked for retries. */
  #pickAfter(failed: UpstreamSlot): UpstreamSlot | undefined {
    const { breaker } = this.#cluster.guard
    if (breaker?.takeRetry() === false) return undefined
    this.#reserved = breaker
    const slot = this.#pickOther(failed)
    if (!slot) this.#giveBack()
    return slot
  }

  #giveBack(): void {
    this.#reserved?.dropRetry()
    this.#reserved = undefined
  }

  #pickOther(failed: UpstreamSlot): UpstreamSlot | undefined {
    this.#tried ??= []
    this.#tried.push(failed)
    const other = this.#pick()
    if (other || !this.#retry || this.#cluster.isDynamic) return other
    this.#tried.length = 0
    return this.#pick()
  }

  /**
   * An endpoint not tried yet is tried at once; one that has failed gets time to recover.
   * @param pauseMs that the last one asked for: it knows of the others as well.
   */
  #wait(slot: UpstreamSlot, pauseMs: number): void {
    const { context } = this.#exchange
    const isFresh = this.#tried!.length > 0 || !this.#retry
    if (isFresh && pauseMs === 0) {
      this.#try(slot, false)
      return
    }
    if (!isFresh) this.#backoff ??= new Backoff({ ...retryBackoff(this.#retry), random: context.random })
    const attempts = this.#attempts
    this.#timer = new WheelTimer(() => attempts === this.#attempts && this.#try(slot, false))
    context.wheel.set(this.#timer, Math.max(pauseMs, this.#backoff?.next() ?? 0))
  }
}
