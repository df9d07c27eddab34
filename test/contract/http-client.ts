/** Requests as a test wants them: exact host and path, nothing followed, nothing added. */
import http from 'node:http'
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
          const isEcho = response.headers['content-type'] === 'application/json' && text.startsWith('{"backend"')
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            trailers: response.trailers,
            body: text,
            echo: isEcho ? JSON.parse(text) : undefined,
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

export function closeClients(): void {
  agent.destroy()
}
