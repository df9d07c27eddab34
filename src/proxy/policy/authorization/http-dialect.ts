/** Asking by the request's own method and path: 200 allows, 5xx is no answer, all else goes to the client. */
import { type HeaderList, setHeader } from '#/codec/message.ts'
import type { HttpAuthorization } from '#/model/external-authorization.ts'
import { framing } from '../header-mutation.ts'
import type { Answer, Question } from './authorization-call.ts'
import { type Asked, partialBodyHeader, traceOf } from './grpc-dialect.ts'
import { type HeaderChange, plainlyAllowed, type Verdict } from './verdict.ts'

export function httpQuestion(service: HttpAuthorization, { exchange, body, isPartial }: Asked): Question {
  const { head } = exchange
  const headers: HeaderList = []
  const wanted = new Set([...service.headers, 'authorization'])
  for (let i = 0; i < head.headers.length; i += 2)
    if (wanted.has(head.headers[i]!)) headers.push(head.headers[i]!, head.headers[i + 1]!)
  traceOf(head, headers)
  if (isPartial !== undefined) setHeader(headers, partialBodyHeader, String(isPartial))
  return {
    head: {
      method: head.method,
      scheme: 'http',
      authority: head.authority || service.authority,
      path: `${service.pathPrefix}${head.path}`,
      headers,
      version: 'HTTP/1.1',
      bodyLength: body.length,
      upgrade: '',
      expectsContinue: false,
      isAbsolute: false,
    },
    body,
  }
}

export function readHttpAnswer(service: HttpAuthorization, { status, headers, body }: Answer): Verdict {
  if (status >= 500 || status < 200) return { type: 'failed', detail: `it answered with status ${status}` }
  if (status === 200) return { ...plainlyAllowed, headers: taken(headers, service.requestHeaders ?? []) }
  const told: HeaderList = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (!framing.has(name) && (service.clientHeaders?.includes(name) ?? true)) told.push(name, headers[i + 1]!)
  }
  return { type: 'denied', status, headers: told, body }
}

/** Those that the application gets in place of the request's own. */
function taken(headers: HeaderList, names: readonly string[]): HeaderChange[] {
  const changes: HeaderChange[] = []
  const seen = new Set<string>()
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (!names.includes(name) || framing.has(name)) continue
    changes.push({ name, value: headers[i + 1]!, action: seen.has(name) ? 'append' : 'set' })
    seen.add(name)
  }
  return changes
}
