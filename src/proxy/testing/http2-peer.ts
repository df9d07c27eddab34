/** An application that speaks HTTP/2, by `node:http2`, with TLS or without. */
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { TestCertificate } from './certificate.ts'

export interface Http2Application {
  port: number
  /** Requests begun, as `METHOD path`. */
  seen: string[]
  headers: http2.IncomingHttpHeaders[]
  bodies: string[]
  trailers: http2.IncomingHttpHeaders[]
  sessions: Set<http2.ServerHttp2Session>
  /** Ever. */
  sessionCount: number
}

export type Http2Answer = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, body: string) => void

export interface Http2ApplicationOptions {
  /** Called when the body is whole, unless `onHead` has taken the request. Echoes when absent. */
  answer?: Http2Answer
  /** Called when the head is there. @returns whether it takes the request. */
  onHead?: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => boolean
  certificate?: TestCertificate
  settings?: http2.Settings
}

const echo: Http2Answer = (stream, headers, body) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain', 'x-path': headers[':path'] ?? '' })
  stream.end(body)
}

export async function startHttp2Application(
  t: TestContext,
  options: Http2ApplicationOptions = {},
): Promise<Http2Application> {
  const { answer = echo, onHead, certificate, settings = { enableConnectProtocol: true } } = options
  const server = certificate
    ? http2.createSecureServer({ cert: certificate.chain, key: certificate.key, settings, allowHTTP1: false })
    : http2.createServer({ settings })
  const seen: string[] = []
  const application: Http2Application = {
    port: 0,
    seen,
    headers: [],
    bodies: [],
    trailers: [],
    sessions: new Set(),
    sessionCount: 0,
  }
  server.on('session', (session) => {
    application.sessionCount++
    application.sessions.add(session)
    session.on('error', () => undefined)
    session.on('close', () => application.sessions.delete(session))
  })
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    seen.push(`${headers[':method']} ${headers[':path']}`)
    application.headers.push(headers)
    stream.on('error', () => undefined)
    stream.on('trailers', (trailers) => application.trailers.push(trailers))
    if (onHead?.(stream, headers)) return
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      application.bodies.push(body)
      answer(stream, headers, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  application.port = (server.address() as AddressInfo).port
  t.after(() => {
    for (const session of application.sessions) session.destroy()
    server.close()
  })
  return application
}
