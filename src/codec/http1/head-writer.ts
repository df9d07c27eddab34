/** Heads as text: framing is written anew from the head, so that what left can be read in one way only. */
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import { badRequest } from './fault.ts'
import { forbiddenInField } from './syntax.ts'

const reasons: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

const statusLines: string[] = []

function statusLine(status: number): string {
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n`)
}

/** @throws FramingFault when a field holds CR, LF or NUL: it would be read as more than one. */
export function fieldLines(headers: HeaderList): string {
  let text = ''
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  // One look at the whole: every line that we made ends in CRLF, so there must be exactly as many as fields.
  if (countLineEnds(text) !== headers.length / 2 || text.includes('\0')) throw badField(headers)
  return text
}

function countLineEnds(text: string): number {
  let count = 0
  let position = -1
  while ((position = text.indexOf('\n', position + 1)) >= 0) {
    if (text.charCodeAt(position - 1) !== 0x0d) return -1
    count++
  }
  return text.indexOf('\r') < 0 || !/\r(?!\n)/.test(text) ? count : -1
}

function badField(headers: HeaderList): Error {
  const at = headers.findIndex((text) => forbiddenInField.test(text))
  const name = headers[at - (at % 2)] ?? ''
  return badRequest(`header ${JSON.stringify(name)} holds a line break or NUL`)
}

function lengthLine(length: number): string {
  return length === unknownLength ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`
}

const methodsWithBody = new Set(['POST', 'PUT', 'PATCH'])

export function requestText(head: RequestHead): string {
  let text = `${head.method} ${head.path} HTTP/1.1\r\nhost: ${head.authority}\r\n`
  if (forbiddenInField.test(text.slice(0, -2).replace('\r\n', '')))
    throw badRequest('method, path or authority hold a line break')
  text += fieldLines(head.headers)
  if (head.bodyLength !== 0 || methodsWithBody.has(head.method)) text += lengthLine(head.bodyLength)
  if (head.expectsContinue) text += 'expect: 100-continue\r\n'
  if (head.upgrade !== '') text += `connection: upgrade\r\nupgrade: ${head.upgrade}\r\n`
  return `${text}\r\n`
}

/** What the server side knows about the connection when it answers. */
export interface ResponseFraming {
  /** Of the request. */
  method: string
  isOldClient: boolean
  isKeepAlive: boolean
}

/** The body that follows the head on the wire. */
export type BodyFraming = 'none' | 'fixed' | 'chunked' | 'until-close'

export function responseFraming(head: ResponseHead, framing: ResponseFraming, isEnd: boolean): BodyFraming {
  const { status } = head
  if (framing.method === 'HEAD' || status === 204 || status === 304 || status < 200) return 'none'
  if (head.bodyLength !== unknownLength || isEnd) return 'fixed'
  return framing.isOldClient ? 'until-close' : 'chunked'
}

export function responseText(head: ResponseHead, framing: ResponseFraming, body: BodyFraming): string {
  let text = statusLine(head.status) + fieldLines(head.headers)
  const { status, bodyLength } = head
  if (status === 101) return `${text}connection: upgrade\r\nupgrade: ${head.upgrade}\r\n\r\n`
  if (body === 'fixed') text += `content-length: ${bodyLength === unknownLength ? 0 : bodyLength}\r\n`
  else if (body === 'chunked') text += 'transfer-encoding: chunked\r\n'
  else if (body === 'none' && bodyLength > 0 && (framing.method === 'HEAD' || status === 304)) {
    text += `content-length: ${bodyLength}\r\n`
  }
  if (!framing.isKeepAlive) text += 'connection: close\r\n'
  else if (framing.isOldClient) text += 'connection: keep-alive\r\n'
  return `${text}\r\n`
}

export function informationalText(status: number, headers: HeaderList): string {
  return `${statusLine(status)}${fieldLines(headers)}\r\n`
}
