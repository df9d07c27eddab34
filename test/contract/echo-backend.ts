/** A real HTTP server that answers with what it received, as JSON, or does what the path asks for. */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'

export interface Echo {
  backend: string
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

export interface EchoBackend {
  name: string
  /** `127.0.0.1:PORT` */
  address: string
  port: number
  /** Everything received so far, mirrored requests included. */
  received: Echo[]
  stop(): Promise<void>
}

async function answer(echo: Echo, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const [, verb, value] = new URL(echo.path, 'http://x').pathname.split('/')
  if (verb === 'status') {
    response.writeHead(Number(value)).end()
  } else if (verb === 'delay') {
    const timer = setTimeout(() => response.end(JSON.stringify(echo)), Number(value))
    request.on('close', () => response.destroyed && clearTimeout(timer))
    response.on('close', () => clearTimeout(timer))
  } else if (verb === 'bytes') {
    response.writeHead(200, { 'content-length': value! })
    const chunk = Buffer.alloc(65_536, 'x')
    for (let rest = Number(value); rest > 0; rest -= chunk.length) {
      if (!response.write(rest < chunk.length ? chunk.subarray(0, rest) : chunk)) await once(response, 'drain')
    }
    response.end()
  } else if (verb === 'trailers') {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('body')
    response.addTrailers({ 'x-sum': '4' })
    response.end()
  } else {
    response.writeHead(200, { 'content-type': 'application/json', 'x-backend': echo.backend, 'x-from-backend': 'yes' })
    response.end(request.method === 'HEAD' ? undefined : JSON.stringify(echo))
  }
}

/** Pseudo-fields of HTTP/2 are no header fields; its authority is the host. */
function headersOf({ headers }: http.IncomingMessage): Record<string, string> {
  const fields = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
  const authority = headers[':authority']
  return Object.fromEntries(authority === undefined ? fields : [['host', authority], ...fields]) as Record<
    string,
    string
  >
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** `node:http2` offers what `node:http` does, as far as it is used here. */
function newServer(version: 'h1' | 'h2c', handler: Handler): Server {
  if (version === 'h1') return http.createServer({ keepAliveTimeout: 60_000 }, handler)
  return http2.createServer((request, response) =>
    handler(request as unknown as http.IncomingMessage, response as unknown as http.ServerResponse),
  )
}

/** @param version what it speaks, without TLS. */
export async function startEchoBackend(name: string, version: 'h1' | 'h2c' = 'h1'): Promise<EchoBackend> {
  const received: Echo[] = []
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const echo: Echo = {
      backend: name,
      method: request.method!,
      path: request.url!,
      headers: headersOf(request),
      body: Buffer.concat(chunks).toString('latin1').slice(0, 100_000),
    }
    received.push(echo)
    await answer(echo, request, response)
  }
  const sockets = new Set<Socket>()
  const server = newServer(version, (request, response) => {
    // A caller that goes away in the middle is no fault of the backend's.
    handle(request, response).catch(() => response.destroy())
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (_request, socket) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Backend: ' +
        name +
        '\r\n\r\n',
    )
    socket.on('error', () => socket.destroy())
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    name,
    address: `127.0.0.1:${port}`,
    port,
    received,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
