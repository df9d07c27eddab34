/** One application behind four protocols: what it does is told by the path. */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TestCertificate } from '#/proxy/testing/certificate.ts'
import { isHttp2, isTls, type Protocol } from './protocol.ts'

type Request = http.IncomingMessage | http2.Http2ServerRequest
type Response = http.ServerResponse | http2.Http2ServerResponse
/** The parts that both have, as one type that can be called. */
type AnyResponse = http.ServerResponse

export interface PairBackend {
  port: number
  /** Requests that were given up by the proxy, as paths. */
  aborted: string[]
  /** Lets `/events` go on. */
  release(): void
  stop(): Promise<void>
}

async function bodyOf(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

class Backend {
  readonly aborted: string[] = []
  #release: () => void = () => undefined

  release(): void {
    this.#release()
  }

  async handle(request: Request, response: AnyResponse): Promise<void> {
    const { method, url = '', headers } = request
    const [, verb, value] = url.split('?')[0]!.split('/')
    request.on('aborted', () => this.aborted.push(url))
    switch (verb) {
      case 'status':
        response.writeHead(Number(value)).end()
        return
      case 'bytes':
        response.writeHead(200, { 'content-length': value! })
        for (let rest = Number(value); rest > 0; rest -= 65_536) {
          const isTaken = response.write(Buffer.alloc(Math.min(rest, 65_536), 'x'))
          if (!isTaken) await once(response, 'drain')
        }
        response.end()
        return
      case 'trailers': {
        const body = await bodyOf(request)
        response.writeHead(200, { trailer: 'x-sum' })
        response.write(`${body.length} ${request.trailers['x-check'] ?? 'none'}`)
        response.addTrailers({ 'x-sum': '4' })
        response.end()
        return
      }
      case 'events':
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: one\n\n')
        await new Promise<void>((resolve) => (this.#release = resolve))
        response.end('data: two\n\n')
        return
      case 'duplex':
        response.writeHead(200, { 'content-type': 'application/octet-stream' })
        for await (const chunk of request) response.write(chunk)
        response.end()
        return
      case 'hang':
        return
      case 'break':
        response.writeHead(200, { 'content-length': '1000' })
        response.write('half', () => setTimeout(() => destroy(response), 5))
        return
      case 'early':
        response.writeEarlyHints({ link: '</style.css>; rel=preload' })
        response.end('late')
        return
      default: {
        const body = (await bodyOf(request)).toString('latin1')
        response.writeHead(200, { 'content-type': 'application/json', 'x-version': request.httpVersion })
        response.end(method === 'HEAD' ? undefined : JSON.stringify({ method, path: url, headers, body }))
      }
    }
  }
}

function destroy(response: Response): void {
  if (response instanceof http2.Http2ServerResponse) response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
  else response.socket?.destroy()
}

function acceptWebSocket(socket: Duplex): void {
  socket.on('error', () => socket.destroy())
  socket.pipe(socket)
}

function newServer(protocol: Protocol, { chain: cert, key }: TestCertificate, backend: Backend): Server {
  const handle = (request: Request, response: Response): void => {
    if (request.method === 'CONNECT') return
    request.on('error', () => undefined)
    backend.handle(request, response as AnyResponse).catch(() => response.destroy())
  }
  if (isHttp2(protocol)) {
    const settings = { enableConnectProtocol: true }
    const server = isTls(protocol)
      ? http2.createSecureServer({ cert, key, settings }, handle)
      : http2.createServer({ settings }, handle)
    server.on('connect', (request: http2.Http2ServerRequest) => {
      request.stream.respond({ ':status': 200 })
      acceptWebSocket(request.stream)
    })
    server.on('sessionError', () => undefined)
    return server
  }
  const server = isTls(protocol) ? https.createServer({ cert, key }, handle) : http.createServer(handle)
  server.keepAliveTimeout = 60_000
  server.on('upgrade', (_request: Request, socket: Duplex) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    acceptWebSocket(socket)
  })
  return server
}

export async function startPairBackend(protocol: Protocol, certificate: TestCertificate): Promise<PairBackend> {
  const backend = new Backend()
  const server = newServer(protocol, certificate, backend)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    aborted: backend.aborted,
    release: () => backend.release(),
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
