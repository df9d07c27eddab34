/** Bytes as Node's own client reads them behind a request (llhttp, strict). */
import { Agent, type ClientRequest, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { duplexPair } from 'node:stream'
import { emptyAnswer, type ReadAnswer } from './read-answer.ts'
import { withoutHop } from './read-request.ts'

/** Trailers that ours drops besides (trailer-reader.ts); those that the grammar makes. */
const droppedTrailers = new Set(['cookie'])

/** Asks for keep-alive, and is told when a connection could carry another request; there never is another. */
class WatchingAgent extends Agent {
  readonly #answer: ReadAnswer
  readonly #socket: Duplex

  constructor(answer: ReadAnswer, socket: Duplex) {
    super({ keepAlive: true })
    this.#answer = answer
    this.#socket = socket
  }

  override createConnection(): Duplex {
    return this.#socket
  }

  override keepSocketAlive(): boolean {
    this.#answer.isReusable = true
    return false
  }
}

export class NodeAnswerReader {
  readonly #sockets: Duplex[] = []

  /** @returns filled in while the event loop turns. */
  read(bytes: Uint8Array, method: string, isEnded: boolean): ReadAnswer {
    const answer = emptyAnswer()
    const [endpoint, socket] = duplexPair()
    this.#sockets.push(endpoint, socket)
    endpoint.on('error', () => undefined)
    const outgoing = request({ method, agent: new WatchingAgent(answer, socket), insecureHTTPParser: false })
    listen(outgoing, answer)
    outgoing.end()
    endpoint.resume()
    endpoint.write(bytes)
    if (isEnded) endpoint.end()
    return answer
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

function listen(outgoing: ClientRequest, answer: ReadAnswer): void {
  outgoing.on('error', (error) => {
    answer.refusal ||= error.message
  })
  outgoing.on('information', ({ statusCode, rawHeaders }) => {
    answer.interim.push({ status: statusCode, headers: withoutHop(rawHeaders) })
  })
  outgoing.on('upgrade', () => {
    answer.refusal ||= 'upgrade'
  })
  outgoing.on('response', (response) => {
    answer.status = response.statusCode ?? 0
    answer.headers = withoutHop(response.rawHeaders)
    response.on('data', (chunk: Buffer) => {
      answer.body += chunk.toString('latin1')
    })
    response.on('error', (error) => {
      answer.refusal ||= error.message
    })
    response.on('end', () => {
      answer.isWhole = response.complete
      answer.trailers = withoutHop(response.rawTrailers, droppedTrailers)
    })
  })
}
