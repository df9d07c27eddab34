/** Requests as a test wants them: exact host and path, nothing followed, nothing added. */
import http from 'node:http'
import http2 from 'node:http2'
import type { Echo } from './echo-backend.ts'

export interface TestRequest {
  method?: string
  /** With query. */
  path: string
  host: string
  headers?: Record<string, string>
  body?: string | Buffer
}

export interface TestAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  trailers: Record<string, string | undefined>
  body: string
  /** The body as the echo backend writes it; undefined for another. */
  echo: Echo | undefined
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })

/** Sends to `port` on loopback. Rejects when no whole answer came. */
export function send(port: number, request: TestRequest): Promise<TestAnswer> {
  const { method = 'GET', path, host, headers = {}, body } = request
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      { host: '127.0.0.1', port, method, path, headers: { host, ...headers }, agent, setHost: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1')
          resolve(answerOf(response.statusCode!, response.headers, response.trailers, text))
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const sessions = new Map<number, http2.ClientHttp2Session>()

function sessionTo(port: number): http2.ClientHttp2Session {
  const known = sessions.get(port)
  if (known && !known.closed && !known.destroyed) return known
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => session.destroy())
  sessions.set(port, session)
  return session
}

/** The same over HTTP/2 with prior knowledge. */
export function sendHttp2(port: number, request: TestRequest): Promise<TestAnswer> {
  const { method = 'GET', path, host, headers = {}, body } = request
  const head = { ':method': method, ':path': path, ':authority': host, ...headers }
  return new Promise((resolve, reject) => {
    const stream = sessionTo(port).request(head, { endStream: body === undefined })
    let answered: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {}
    let trailers: http2.IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    stream.on('response', (found) => {
      answered = found
    })
    stream.on('trailers', (found) => {
      trailers = found
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () =>
      resolve(answerOf(answered[':status']!, answered, trailers, Buffer.concat(chunks).toString('latin1'))),
    )
    stream.end(body)
  })
}

function answerOf(
  status: number,
  headers: http.IncomingHttpHeaders,
  trailers: http.IncomingHttpHeaders | NodeJS.Dict<string>,
  body: string,
): TestAnswer {
  const isEcho = headers['content-type'] === 'application/json' && body.startsWith('{"backend"')
  return {
    status,
    headers,
    trailers: trailers as Record<string, string>,
    body,
    echo: isEcho ? JSON.parse(body) : undefined,
  }
}

export function closeClients(): void {
  agent.destroy()
  for (const session of sessions.values()) session.destroy()
  sessions.clear()
}
