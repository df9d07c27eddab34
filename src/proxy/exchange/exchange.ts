/**
 * One request and its answer on their way through the proxy.
 *
 *   begin ─▶ request steps ─▶ forwarding ─▶ answer steps ─▶ head, data, end ─▶ over (exactly one `onEnd`)
 *                │ answers itself, or fails: rescue ───────────────────────────▲
 *                └ the client goes, a timeout: attempts are cancelled ─────────┘
 */
import type { HeaderList, RequestHead, ResponseHead } from '#/codec/message.ts'
import type { ResetReason, ServerSink, ServerStream } from '#/codec/stream.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import type { HeaderChange } from '#/proxy/policy/authorization/verdict.ts'
import type { Timeouts } from '#/proxy/policy/timeout.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import { rescue } from '#/proxy/rescue.ts'
import type { CompiledBackend, CompiledRoute } from '#/proxy/route/compiled-route.ts'
import type { WarmRoutes } from '#/proxy/table/warm-routes.ts'
import type { UpstreamCluster, UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Forwarding } from './forwarding.ts'
import type { GrpcCall } from './grpc-call.ts'
import { statusTrailers } from './grpc-call.ts'
import { sendMirrors } from './mirror-sink.ts'
import { RequestBody } from './request-body.ts'
import { newRecord } from './request-record.ts'
import type { Entrance, Road } from './road.ts'

export interface ExchangeOptions {
  context: ProxyContext
  road: Road
  entrance: Entrance
}

const noTimeouts: Timeouts = { requestMs: 0, attemptMs: 0 }

const lossDetails = {
  bad_request: 'the client broke the rules within its request',
  client_stalled: 'the client moved no byte for too long',
  client_gone: 'the client left before the answer was complete',
}

function lossCode(reason: ResetReason): keyof typeof lossDetails {
  if (reason === 'protocol-error') return 'bad_request'
  return reason === 'timeout' ? 'client_stalled' : 'client_gone'
}

export class Exchange implements ServerSink {
  readonly stream: ServerStream
  readonly head: RequestHead
  readonly context: ProxyContext
  readonly road: Road
  readonly entrance: Entrance
  readonly record: RequestRecord
  /** Undefined for what is no gRPC. */
  grpc: GrpcCall | undefined
  /** Undefined when the request has none. */
  readonly body: RequestBody | undefined

  // What the steps find out, in this order.
  isFromMesh = false
  /** Of the token that was found to hold; undefined without one. */
  claims: Readonly<Record<string, unknown>> | undefined
  routes: WarmRoutes | undefined
  route: CompiledRoute | undefined
  /** The allowed origin of a cross-origin request, empty when there is none. */
  corsOrigin = ''
  isPreflight = false
  backend: CompiledBackend | undefined
  cluster: UpstreamCluster | undefined
  /** Of the key that the route chooses endpoints by; negative for none. */
  hash = -1
  /** For clusters whose endpoint the request brings. */
  target: HostPort | undefined
  timeouts: Timeouts = noTimeouts
  mirrors: UpstreamCluster[] | undefined
  forwarding: Forwarding | undefined
  /** How a step that waits stops waiting. */
  cancelWait: (() => void) | undefined
  /** What an authorisation server gives the client beside the application's own. */
  answerHeaders: readonly HeaderChange[] | undefined

  #step = 0
  #isOver = false
  #hasAnswered = false
  #isTunnel = false
  #isClientEnded = false
  #isAnswerEnded = false
  #timer: WheelTimer | undefined

  constructor(stream: ServerStream, { context, road, entrance }: ExchangeOptions) {
    this.stream = stream
    this.head = stream.head
    this.context = context
    this.road = road
    this.entrance = entrance
    this.record = newRecord(stream, { context, direction: road.direction, entrance })
    const hasBody = this.head.bodyLength !== 0 || this.head.upgrade !== ''
    this.body = hasBody ? new RequestBody(stream, context.settings.replayBytesMax) : undefined
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered
  }

  /** Takes the request on to its next step, and further until one takes it over. */
  proceed(): void {
    const { request } = this.road
    try {
      while (!this.#isOver && this.#step < request.length) if (request[this.#step++]!(this) === 'taken') return
    } catch (error) {
      this.fault(error)
    }
  }

  elapsedMs(): number {
    return this.context.clock.monotonicMs() - this.record.startMs
  }

  /** Bounds the whole request. @param timeoutMs 0 for no bound. */
  limitTime(timeoutMs: number): void {
    if (timeoutMs === 0) return
    this.#timer ??= new WheelTimer(() => this.fail('request_timeout', `${timeoutMs} ms are over`))
    this.context.wheel.set(this.#timer, Math.max(1, timeoutMs - this.elapsedMs()))
  }

  // The answer, from an endpoint or our own.

  /** Answers with a body that is at hand. */
  answer(head: ResponseHead, body: Uint8Array | undefined): void {
    if (this.#isOver || this.#hasAnswered) return
    const hasBody = body !== undefined && body.length > 0
    this.answerHead(head, !hasBody)
    if (!hasBody) return
    this.answerData(body)
    this.answerEnd(undefined)
  }

  informational(status: number, headers: HeaderList): void {
    if (!this.#isOver && !this.#hasAnswered) this.stream.writeInformational(status, headers)
  }

  answerHead(head: ResponseHead, isEnd: boolean): void {
    if (this.#isOver) return
    this.grpc?.onHead(head, isEnd)
    if (this.route) for (const step of this.road.answer) step(this, head)
    if (head.status === 101) this.#becomeTunnel()
    this.stream.writeHead(head, isEnd)
    this.#hasAnswered = true
    this.body?.release()
    this.record.status = head.status
    this.record.firstByteMs = this.elapsedMs()
    if (isEnd) this.#conclude()
  }

  answerData(chunk: Uint8Array): void {
    if (this.#isOver) return
    this.record.responseBytes += chunk.length
    const data = this.grpc?.web ? this.grpc.web.takeAnswer(chunk) : chunk
    if (!this.stream.writeData(data)) this.forwarding?.pauseAnswer()
  }

  answerEnd(trailers: HeaderList | undefined): void {
    if (this.#isOver) return
    this.grpc?.onEnd(trailers)
    if (this.grpc?.web) this.grpc.web.end(this.stream, trailers)
    else this.stream.writeEnd(trailers)
    this.#isAnswerEnded = true
    if (!this.#isTunnel || this.#isClientEnded) this.#conclude()
  }

  /**
   * Ends the request for a declared reason: with an answer if there was none, else by breaking the answer off.
   * @param status in place of the code's own; gRPC keeps to its own.
   */
  fail(code: ErrorCodeName, detail: string, status?: number): void {
    if (this.#isOver) return
    const { record } = this
    record.code = code
    record.detail = detail
    record.flags = record.attempts > 1 ? `${errorCodes[code].flag},URX` : errorCodes[code].flag
    this.#giveUp('cancelled')
    const { grpc } = this
    if (!this.#hasAnswered) {
      const mayTell = this.road.direction === 'outbound' || this.isFromMesh
      const { head, body } = rescue({ code, detail }, { mayTell, grpcType: grpc?.contentType ?? '' })
      if (status !== undefined && !grpc) head.status = status
      this.answer(head, body)
    } else if (grpc?.mayTellStatus) {
      this.answerEnd(statusTrailers(errorCodes[code].grpc, errorCodes[code].meaning))
    } else {
      this.stream.reset('connection-lost')
      if (grpc) grpc.status = errorCodes[code].grpc
      this.#conclude()
    }
  }

  /** A mistake of ours: told in the log, and it costs this request alone. */
  fault(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    // The steps of the answer may be what failed: they do not get to see this one.
    this.route = undefined
    this.context.log.error('a fault inside the proxy ended a request', { requestId: this.record.requestId, stack })
    this.fail('extension_failed', error instanceof Error ? error.message : String(error))
  }

  attempted(slot: UpstreamSlot): void {
    this.record.attempts++
    this.record.endpoint = slot.endpoint
    if (this.road.direction === 'inbound') return
    this.record.peer = slot.endpoint.workload
    this.record.peerPrincipal = this.cluster?.principalOf(slot.endpoint) ?? ''
  }

  setPeer(peer: WorkloadIdentity): void {
    this.isFromMesh = true
    this.record.peer = peer
  }

  // What the client does.

  onData(chunk: Uint8Array): void {
    if (this.#isOver) return
    this.record.requestBytes += chunk.length
    this.body?.push(this.grpc?.web ? this.grpc.web.takeRequest(chunk) : chunk)
  }

  onEnd(trailers: HeaderList | undefined): void {
    if (this.#isOver || !this.body) return
    this.#isClientEnded = true
    this.body.end(trailers)
    if (this.forwarding) sendMirrors(this)
    if (this.#isTunnel && this.#isAnswerEnded) this.#conclude()
  }

  onReset(reason: ResetReason): void {
    if (this.#isOver) return
    const code = lossCode(reason)
    this.record.code = code
    this.record.detail = lossDetails[code]
    this.record.flags = errorCodes[code].flag
    if (this.grpc) this.grpc.status = errorCodes[code].grpc
    this.#giveUp('cancelled')
    this.#conclude()
  }

  onWritable(): void {
    this.forwarding?.resumeAnswer()
  }

  onFinished(): void {
    // Of a tunnel it is one direction that is through; the client may go on in the other.
    if (!this.#isTunnel || this.#isClientEnded) this.#conclude()
  }

  /** An upgraded connection lives as long as its ends like. */
  #becomeTunnel(): void {
    this.#isTunnel = true
    if (this.#timer) this.context.wheel.cancel(this.#timer)
  }

  #giveUp(reason: ResetReason): void {
    this.cancelWait?.()
    this.cancelWait = undefined
    this.forwarding?.cancel(reason)
  }

  #conclude(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#timer) this.context.wheel.cancel(this.#timer)
    if (this.#isTunnel) this.forwarding?.closeTunnel()
    if (this.grpc) this.record.grpcStatus = this.grpc.status
    this.record.durationMs = this.elapsedMs()
    this.context.events.onEnd(this.record)
  }
}
