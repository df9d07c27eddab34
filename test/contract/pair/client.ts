/** Requests over four protocols, with the same words for all. */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { Duplex, Readable } from 'node:stream'
import { isHttp2, isTls, type Protocol } from './protocol.ts'

export interface PairRequest {
  path: string
  method?: string
  headers?: Record<string, string>
  body?: Buffer | string
  trailers?: Record<string, string>
}

export interface PairAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  trailers: NodeJS.Dict<string | string[]>
  body: Buffer
  /** Statuses of 1xx before it. */
  early: number[]
}

/** An answer that is still under way. */
export interface OpenExchange {
  status: number
  headers: http.IncomingHttpHeaders
  answer: Readable
  request: { write(chunk: Buffer | string): boolean; end(): void }
  /** Leaves without a word. */
  cancel(): void
}

export interface PairClient {
  send(request: PairRequest): Promise<PairAnswer>
  /** Resolves with the head of the answer; the request is not ended. */
  open(request: PairRequest): Promise<OpenExchange>
  /** An upgraded stream. */
  upgrade(path: string): Promise<Duplex>
  close(): void
}

export interface PairClientOptions {
  protocol: Protocol
  port: number
  /** Host, and server name under TLS. */
  host: string
  ca: string
}

async function whole(readable: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of readable) chunks.push(chunk)
  return Buffer.concat(chunks)
}

class Http1Client implements PairClient {
  readonly #options: PairClientOptions
  readonly #agent: http.Agent | https.Agent
  readonly #sockets = new Set<Duplex>()

  constructor(options: PairClientOptions) {
    this.#options = options
    this.#agent = isTls(options.protocol)
      ? new https.Agent({ keepAlive: true, ca: options.ca, servername: options.host })
      : new http.Agent({ keepAlive: true })
  }

  #request({ path, method = 'GET', headers = {}, trailers }: PairRequest): http.ClientRequest {
    const { port, host, protocol } = this.#options
    const announced = trailers ? { trailer: Object.keys(trailers).join(), 'transfer-encoding': 'chunked' } : {}
    const options = { host: '127.0.0.1', port, method, path, agent: this.#agent, setHost: false }
    const all = { ...options, headers: { host, ...announced, ...headers } }
    return isTls(protocol) ? https.request(all) : http.request(all)
  }

  async send(request: PairRequest): Promise<PairAnswer> {
    const outgoing = this.#request(request)
    const early: number[] = []
    outgoing.on('information', ({ statusCode }) => early.push(statusCode))
    const answered = once(outgoing, 'response') as Promise<[http.IncomingMessage]>
    if (request.trailers) {
      outgoing.write(request.body ?? '')
      outgoing.addTrailers(request.trailers)
      outgoing.end()
    } else {
      if (request.headers?.expect) {
        outgoing.flushHeaders()
        await once(outgoing, 'continue')
      }
      outgoing.end(request.body)
    }
    const [incoming] = await answered
    const body = await whole(incoming)
    return { status: incoming.statusCode!, headers: incoming.headers, trailers: incoming.trailers, body, early }
  }

  async open(request: PairRequest): Promise<OpenExchange> {
    const outgoing = this.#request(request)
    const answered = once(outgoing, 'response') as Promise<[http.IncomingMessage]>
    if (request.body !== undefined) outgoing.write(request.body)
    else if (request.method === undefined) outgoing.end()
    else outgoing.flushHeaders()
    const [incoming] = await answered
    outgoing.on('error', () => undefined)
    const cancel = (): void => void outgoing.destroy()
    return { status: incoming.statusCode!, headers: incoming.headers, answer: incoming, request: outgoing, cancel }
  }

  async upgrade(path: string): Promise<Duplex> {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
    const outgoing = this.#request({ path, headers })
    outgoing.end()
    const [, socket] = (await once(outgoing, 'upgrade')) as [http.IncomingMessage, Duplex]
    this.#sockets.add(socket.on('error', () => undefined))
    return socket
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#agent.destroy()
  }
}

class Http2Client implements PairClient {
  readonly #host: string
  readonly #session: http2.ClientHttp2Session

  constructor({ protocol, port, host, ca }: PairClientOptions) {
    this.#host = host
    const url = `${isTls(protocol) ? 'https' : 'http'}://127.0.0.1:${port}`
    this.#session = http2.connect(url, isTls(protocol) ? { ca, servername: host } : {})
    this.#session.on('error', () => undefined)
  }

  #request(request: PairRequest, endStream: boolean): http2.ClientHttp2Stream {
    const { path, method = 'GET', headers = {}, trailers } = request
    const head = { ':method': method, ':path': path, ':authority': this.#host, ...headers }
    const stream = this.#session.request(head, { endStream, waitForTrailers: trailers !== undefined })
    if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    return stream
  }

  async send(request: PairRequest): Promise<PairAnswer> {
    const stream = this.#request(request, request.body === undefined && request.trailers === undefined)
    const early: number[] = []
    let trailers: NodeJS.Dict<string | string[]> = {}
    stream.on('headers', (head) => early.push(head[':status']!))
    stream.on('trailers', (list) => (trailers = list))
    const answered = once(stream, 'response') as Promise<[http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]>
    if (request.headers?.expect) await once(stream, 'continue')
    if (request.body !== undefined || request.trailers) stream.end(request.body)
    const [headers] = await answered
    const body = await whole(stream)
    return { status: headers[':status']!, headers, trailers, body, early }
  }

  async open(request: PairRequest): Promise<OpenExchange> {
    const stream = this.#request(request, request.body === undefined && request.method === undefined)
    const answered = once(stream, 'response') as Promise<[http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]>
    if (request.body !== undefined) stream.write(request.body)
    const [headers] = await answered
    const cancel = (): void => stream.close(http2.constants.NGHTTP2_CANCEL)
    return { status: headers[':status']!, headers, answer: stream, request: stream, cancel }
  }

  async upgrade(path: string): Promise<Duplex> {
    if (!this.#session.remoteSettings.enableConnectProtocol) await once(this.#session, 'remoteSettings')
    const head = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, ':authority': this.#host }
    const stream = this.#session.request({ ...head, ':scheme': 'http', 'sec-websocket-version': '13' })
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpStatusHeader]
    if (headers[':status'] !== 200) throw new Error(`answered ${headers[':status']}`)
    return stream.on('error', () => undefined)
  }

  close(): void {
    this.#session.destroy()
  }
}

export function pairClient(options: PairClientOptions): PairClient {
  return isHttp2(options.protocol) ? new Http2Client(options) : new Http1Client(options)
}
