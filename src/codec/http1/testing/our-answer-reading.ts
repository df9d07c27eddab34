/** Bytes as our client connection reads them behind a request. */
import type { HeaderList, RequestHead, ResponseHead } from '../../message.ts'
import type { ClientSink, ResetReason } from '../../stream.ts'
import { Http1ClientConnection } from '../client-connection.ts'
import { defaultLimits } from '../limits.ts'
import { FakeSocket } from './fake-socket.ts'
import { emptyAnswer, type ReadAnswer } from './read-answer.ts'

class ReadingSink implements ClientSink {
  readonly #answer: ReadAnswer

  constructor(answer: ReadAnswer) {
    this.#answer = answer
  }

  onInformational(status: number, headers: HeaderList): void {
    this.#answer.interim.push({ status, headers })
  }

  onHead({ status, headers }: ResponseHead, isEnd: boolean): void {
    this.#answer.status = status
    this.#answer.headers = headers
    if (isEnd) this.#answer.isWhole = true
  }

  onData(chunk: Uint8Array): void {
    this.#answer.body += Buffer.from(chunk).toString('latin1')
  }

  onEnd(trailers: HeaderList | undefined): void {
    this.#answer.trailers = trailers ?? []
    this.#answer.isWhole = true
  }

  onReset(reason: ResetReason, { detail }: { detail: string }): void {
    this.#answer.refusal = `${reason}: ${detail}`
  }

  onWritable(): void {}
}

const request: Omit<RequestHead, 'method'> = {
  scheme: 'http',
  authority: 'a',
  path: '/',
  headers: [],
  version: 'HTTP/1.1',
  bodyLength: 0,
  upgrade: '',
  expectsContinue: false,
  isAbsolute: false,
}

/** @param pieces of the answer, delivered one after the other, `isEnded` with the end behind them. */
export function readOurAnswer(pieces: readonly Uint8Array[], method: string, isEnded: boolean): ReadAnswer {
  const answer = emptyAnswer()
  const socket = new FakeSocket()
  const owner = {
    onIdle: () => {
      answer.isReusable = true
    },
    onClosed: () => {
      answer.isReusable = false
    },
  }
  const connection = new Http1ClientConnection(socket.asSocket, { owner, limits: defaultLimits })
  connection.request({ method, ...request }, new ReadingSink(answer), true)
  for (const piece of pieces) socket.deliver(piece)
  if (isEnded) socket.deliverEnd()
  return answer
}
