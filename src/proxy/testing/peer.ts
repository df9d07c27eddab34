/** The two ends of a proxied request in tests: applications by `node:http`, and a client that says all it saw. */
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { HostPort } from '#/std/host-port.ts'

export interface Application {
  port: number
  /** Requests begun, as `METHOD path`. */
  seen: string[]
  headers: http.IncomingHttpHeaders[]
  bodies: string[]
  sockets: Set<Socket>
  close(): Promise<void>
}

type Answer = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void

/** Answers 200 with its name and the request's body unless told otherwise. */
export async function startApplication(
  name: string,
  answer?: Answer,
  options: http.ServerOptions = {},
): Promise<Application> {
  const application: Application = { port: 0, seen: [], headers: [], bodies: [], sockets: new Set(), close }
  const server = http.createServer(options, (request, response) => {
    application.seen.push(`${request.method} ${request.url}`)
    application.headers.push(request.headers)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      application.bodies.push(body)
      if (answer) answer(request, response, body)
      else response.end(`${name} ${body}`)
    })
  })
  server.on('connection', (socket: Socket) => {
    application.sockets.add(socket)
    socket.on('close', () => application.sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  application.port = (server.address() as AddressInfo).port
  function close(): Promise<void> {
    for (const socket of application.sockets) socket.destroy()
    return new Promise((resolve) => {
      server.close(() => resolve())
    })
  }
  return application
}

/** A port on which nobody listens. */
export async function unusedPort(): Promise<number> {
  const server = http.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface Call {
  /** The Host. */
  host?: string
  method?: string
  path?: string
  headers?: http.OutgoingHttpHeaders
  body?: string | Buffer
  agent?: http.Agent | false
}

export interface Reply {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

export function call(
  proxy: HostPort,
  { host = 'reviews.shop', method = 'GET', path = '/', headers, body, agent = false }: Call = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { host: proxy.host, port: proxy.port, method, path, agent, headers: { host, ...headers } }
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}
