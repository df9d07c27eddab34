// What the services of the shop share: an HTTP server that answers JSON, and calls that hand tracing headers on.
// Nothing here knows of a mesh: services call one another by name, as `http://reviews/`.
import { createServer } from 'node:http'

const { PORT = '8080', HOST = '0.0.0.0' } = process.env
/** Headers that a service passes from the request it answers to the requests it makes for it. */
const handedOn = ['x-request-id', 'traceparent', 'tracestate', 'x-user']
const bodyBytesMax = 64 * 1024

/** An answer that is no success. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/**
 * Serves `routes`, a list of `[method, pattern, handler]`; a handler gets the request, the pattern's groups and the body as
 * JSON, and returns what is answered as JSON, or a string for a page.
 */
export function serve(routes) {
  const server = createServer(async (request, response) => {
    const path = request.url.split('?')[0]
    try {
      const found = routes.find(([method, pattern]) => method === request.method && pattern.test(path))
      if (path !== '/healthz' && !found) throw new Refusal(404, `there is no ${request.method} ${path}`)
      const answer = found
        ? await found[2](request, path.match(found[1]).slice(1), await bodyOf(request))
        : { ok: true }
      send(response, 200, answer)
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(`${request.method} ${path}: ${error.message}`)
      send(response, error.status ?? 500, { error: error.message })
    }
  })
  server.listen(Number(PORT), HOST, () => console.log(`serving on ${HOST}:${PORT}`))
  process.once('SIGTERM', () => server.close())
}

function send(response, status, answer) {
  const isPage = typeof answer === 'string'
  response.writeHead(status, { 'content-type': isPage ? 'text/html; charset=utf-8' : 'application/json' })
  response.end(isPage ? answer : JSON.stringify(answer))
}

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > bodyBytesMax) throw new Refusal(413, `a body has at most ${bodyBytesMax} bytes`)
  }
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'the body is no JSON')
  }
}

/** Calls another service on behalf of `request`. @returns its JSON and the headers of its answer. */
export async function call(request, url, { method = 'GET', body } = {}) {
  const headers = { 'content-type': 'application/json' }
  for (const name of handedOn) if (request.headers[name]) headers[name] = request.headers[name]
  const init = { method, headers, signal: AbortSignal.timeout(3000) }
  if (body !== undefined) init.body = JSON.stringify(body)
  const answer = await fetch(url, init)
  const text = await answer.text()
  if (!answer.ok) throw new Refusal(answer.status === 404 ? 404 : 502, `${url} answered ${answer.status}: ${text}`)
  return JSON.parse(text)
}
