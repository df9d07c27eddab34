/**
 * One question to an authorisation server, over the proxy's own connections to its cluster: exactly one verdict, or none when it
 * was cancelled. How the question is written and the answer read is the dialect's (`grpc-dialect.ts`, `http-dialect.ts`).
 */
import { type HeaderList, type RequestHead, type ResponseHead, setHeader } from '#/codec/message.ts'
import type { ClientStream } from '#/codec/stream.ts'
import { type TimerWheel, WheelTimer } from '#/codec/timer-wheel.ts'
import { peerHeader } from '#/proxy/exchange/mesh-header.ts'
import { Attempt, type AttemptFailure, type AttemptOwner } from '#/proxy/upstream/attempt.ts'
import type { UpstreamCluster, UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { Verdict } from './verdict.ts'

/** Of an answer; a page for a client is shorter. */
const answerBytesMax = 65_536

export interface Question {
  head: RequestHead
  body: Uint8Array
}

/** The whole answer. */
export interface Answer {
  status: number
  headers: HeaderList
  body: Uint8Array
  trailers: HeaderList
}

export interface AuthorizationCallOptions {
  cluster: UpstreamCluster
  wheel: TimerWheel
  /** Above 0. */
  timeoutMs: number
  question: Question
  /** As sidecars tell one another who they are. */
  peerText: string
  read: (answer: Answer) => Verdict
  onVerdict: (verdict: Verdict) => void
}

export class AuthorizationCall implements AttemptOwner {
  readonly #options: AuthorizationCallOptions
  readonly #timer: WheelTimer
  #attempt: Attempt | undefined
  #hasRetried = false
  #isOver = false
  #head: ResponseHead | undefined
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(options: AuthorizationCallOptions) {
    this.#options = options
    this.#timer = new WheelTimer(() => {
      this.#attempt?.cancel('timeout')
      this.#fail(`no answer in ${options.timeoutMs} ms`)
    })
  }

  /** The verdict may come within this call. */
  start(): void {
    this.#options.wheel.set(this.#timer, this.#options.timeoutMs)
    this.#try(false)
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (!this.#finish()) return
    this.#attempt?.cancel('cancelled')
  }

  #try(isFresh: boolean): void {
    const { cluster, question } = this.#options
    const { guard } = cluster
    const refusal = guard.admit(false)
    const slot = refusal === '' ? cluster.pick() : undefined
    if (!slot) {
      if (refusal === '') guard.breaker?.release(false)
      this.#fail(refusal === '' ? `${cluster.name} has no ready endpoint` : refusal)
      return
    }
    this.#attempt = new Attempt({
      owner: this,
      slot,
      isEnd: question.body.length === 0,
      isRepeatable: true,
      isUpgrade: false,
      breaker: guard.breaker,
      isRetry: false,
    })
    this.#attempt.start(cluster.poolOf(slot, question.head), isFresh)
  }

  headFor(slot: UpstreamSlot): RequestHead {
    const { question, peerText } = this.#options
    if (slot.endpoint.isMeshed && peerText !== '') setHeader(question.head.headers, peerHeader, peerText)
    return question.head
  }

  onAttemptOpen(stream: ClientStream): void {
    const { body } = this.#options.question
    if (body.length === 0) return
    stream.writeData(body)
    stream.writeEnd()
  }

  onAttemptInformational(): void {
    // Says nothing yet.
  }

  onAttemptHead(head: ResponseHead, isEnd: boolean): void {
    this.#head = head
    if (isEnd) this.#read([])
  }

  onAttemptData(chunk: Uint8Array): void {
    if (this.#isOver) return
    this.#bytes += chunk.length
    // Chunks are lent.
    if (this.#bytes <= answerBytesMax) this.#chunks.push(Buffer.from(chunk))
    else {
      this.#attempt?.cancel('cancelled')
      this.#fail(`an answer of more than ${answerBytesMax} bytes`)
    }
  }

  onAttemptEnd(trailers: HeaderList | undefined): void {
    this.#read(trailers ?? [])
  }

  onAttemptFailed({ code, detail, isIdleClose }: AttemptFailure): void {
    if (this.#isOver) return
    // The usual race of keep-alive: the server has not seen it, and asking twice does no harm.
    if (isIdleClose && !this.#hasRetried) {
      this.#hasRetried = true
      this.#try(true)
    } else this.#fail(`${code}: ${detail}`)
  }

  onAttemptWritable(): void {
    // All was written at once: a question is short.
  }

  #read(trailers: HeaderList): void {
    const { status, headers } = this.#head!
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#tell(this.#options.read({ status, headers, body, trailers }))
  }

  #fail(detail: string): void {
    this.#tell({ type: 'failed', detail })
  }

  #tell(verdict: Verdict): void {
    if (this.#finish()) this.#options.onVerdict(verdict)
  }

  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#options.wheel.cancel(this.#timer)
    return true
  }
}
