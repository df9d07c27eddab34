/** Heads as text: framing is written anew from the head, so that what left can be read in one way only. */
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import { UnwritableMessage } from './fault.ts'
import { lookUpName, writtenLine } from './field.ts'
import { statusLine } from './reason.ts'
import { isMethod } from './request-head.ts'
import type { BodyFraming } from './response-head.ts'
import { isBodiless } from './response-head.ts'
import { isAuthority, isFieldText, isTargetText } from './syntax.ts'

/**
 * Names and values are checked, for policies and users write into them too; fields that only framing may say are left out.
 * @throws UnwritableMessage when a field could be read as more than one, or could not be written in Latin-1.
 */
export function fieldLines(headers: HeaderList): string {
  let text = ''
  for (let i = 0; i < headers.length; i += 2) {
    const known = lookUpName(headers[i]!)
    if (known === undefined) throw new UnwritableMessage(`${JSON.stringify(headers[i])} is no name of a header`)
    if (known.role !== 'plain') continue
    const value = headers[i + 1]!
    const line = known.keeping === 'never' ? undefined : writtenLine(known, value)
    if (line !== undefined) {
      text += line
      continue
    }
    if (!isFieldText(value)) {
      throw new UnwritableMessage(`header ${known.name} holds a line break, a control character or one outside Latin-1`)
    }
    text += `${known.name}: ${value}\r\n`
  }
  return text
}

/** Methods whose requests are expected to have a body: none is said too (RFC 9110 section 8.6). */
const methodsWithBody = new Set(['POST', 'PUT', 'PATCH'])

/**
 * @param bodyLength of the body that will be written; `unknownLength` to be chunked.
 * @throws UnwritableMessage
 */
export function requestText(head: RequestHead, bodyLength: number): string {
  const { method, path, authority, upgrade } = head
  if (!isMethod(method)) throw new UnwritableMessage('the method is no token')
  if (!isTargetText(path)) throw new UnwritableMessage('the path is empty or holds a character that no path may hold')
  if (!isAuthority(authority)) throw new UnwritableMessage('the authority is no host name with optional port')
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${fieldLines(head.headers)}`
  if (bodyLength === unknownLength) text += 'transfer-encoding: chunked\r\n'
  else if (bodyLength !== 0 || methodsWithBody.has(method)) text += `content-length: ${bodyLength}\r\n`
  if (head.expectsContinue) text += 'expect: 100-continue\r\n'
  if (upgrade !== '') text += upgradeLines(upgrade)
  return `${text}\r\n`
}

function upgradeLines(protocol: string): string {
  if (!isFieldText(protocol)) throw new UnwritableMessage('the protocol to upgrade to holds a control character')
  return `connection: upgrade\r\nupgrade: ${protocol}\r\n`
}

/** What the server side knows about the connection when it answers. */
export interface AnswerTerms {
  /** Of the request. */
  method: string
  isOldClient: boolean
  isKeepAlive: boolean
}

/** How the body of an answer ends on the wire (RFC 9112 section 6.3). */
export function answerFraming(head: ResponseHead, { method, isOldClient }: AnswerTerms, isEnd: boolean): BodyFraming {
  if (isBodiless(method, head.status)) return 'none'
  if (head.bodyLength !== unknownLength || isEnd) return 'fixed'
  return isOldClient ? 'until-close' : 'chunked'
}

/** @throws UnwritableMessage */
export function responseText(head: ResponseHead, terms: AnswerTerms, body: BodyFraming): string {
  const { status, bodyLength } = head
  const line = statusLine(status)
  if (line === undefined) throw new UnwritableMessage(`${status} is no status`)
  let text = line + fieldLines(head.headers)
  if (status === 101) return `${text}${upgradeLines(head.upgrade)}\r\n`
  if (body === 'fixed') text += `content-length: ${bodyLength === unknownLength ? 0 : bodyLength}\r\n`
  else if (body === 'chunked') text += 'transfer-encoding: chunked\r\n'
  else if (body === 'none' && saysLength(head, terms)) text += `content-length: ${bodyLength}\r\n`
  if (!terms.isKeepAlive) text += 'connection: close\r\n'
  else if (terms.isOldClient) text += 'connection: keep-alive\r\n'
  return `${text}\r\n`
}

/** The length that a GET would have had (RFC 9110 section 8.6). A 304 with length 0 could be taken for an empty resource. */
function saysLength({ status, bodyLength }: ResponseHead, { method }: AnswerTerms): boolean {
  if (status === 304) return bodyLength > 0
  return method === 'HEAD' && status >= 200 && status !== 204 && bodyLength !== unknownLength
}

/** @throws UnwritableMessage */
export function informationalText(status: number, headers: HeaderList): string {
  const line = status >= 100 && status <= 199 && status !== 101 ? statusLine(status) : undefined
  if (line === undefined) throw new UnwritableMessage(`${status} is no informational status`)
  return `${line}${fieldLines(headers)}\r\n`
}
