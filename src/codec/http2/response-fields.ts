/** Field lists of answers ⇄ `ResponseHead` (RFC 9113 section 8.3.2). */
import { UnwritableMessage } from '../http1/fault.ts'
import { isBodiless } from '../http1/response-head.ts'
import type { HeaderList, ResponseHead } from '../message.ts'
import { shorten, unknownLength } from '../message.ts'
import { copyFields, type FieldList } from './field-list.ts'
import { writeFields } from './field-writer.ts'
import type { HpackEncoder } from './hpack/encoder.ts'
import { malformed } from './message-fault.ts'
import { readLength } from './request-fields.ts'

const statusTexts: string[] = []

function statusText(status: number): string {
  if (!Number.isInteger(status) || status < 100 || status > 599) throw new UnwritableMessage(`${status} is no status`)
  statusTexts[status] ??= String(status)
  return statusTexts[status]
}

/**
 * @param method of the request; @param upgrade that it asked for: then a 2xx is what HTTP/1.1 says by 101 (RFC 8441).
 * @throws MessageFault
 */
export function readResponse(
  source: FieldList,
  { method, upgrade, isEnd }: { method: string; upgrade: string; isEnd: boolean },
): ResponseHead {
  const { list, count } = source
  if (count === 0 || list[0] !== ':status') throw malformed(':status is missing')
  const status = readStatus(list[1]!)
  const headers = copyFields(source, 2)
  let kept = 0
  let length = unknownLength
  for (let i = 2; i < count; i += 2) {
    const name = list[i]!
    const value = list[i + 1]!
    switch (name) {
      case 'content-length':
        length = readLength(length, value)
        break
      case 'connection':
      case 'proxy-connection':
      case 'keep-alive':
      case 'transfer-encoding':
      case 'upgrade':
        throw malformed(`${name} has no place in HTTP/2`)
      case 'trailer':
      case 'te':
        break
      default:
        if (name.charCodeAt(0) === 0x3a) throw malformed(`${name} stands where it does not belong`)
        headers[kept] = name
        headers[kept + 1] = value
        kept += 2
    }
  }
  shorten(headers, kept)
  if (upgrade !== '' && status >= 200 && status < 300 && !isEnd) {
    return { status: 101, headers, bodyLength: unknownLength, upgrade }
  }
  if (isEnd && length > 0 && !isBodiless(method, status)) {
    throw malformed('content-length announces a body, and there is none')
  }
  const isWithoutLength = status < 200 || status === 204 || (isEnd && length < 0)
  return { status, headers, bodyLength: isWithoutLength ? 0 : length, upgrade: '' }
}

function readStatus(text: string): number {
  const status = text.length === 3 ? Number(text) : Number.NaN
  // 101 belongs to HTTP/1.1 (RFC 9113 section 8.6).
  if (!(status >= 100 && status <= 599) || status === 101) throw malformed(`:status is ${JSON.stringify(text)}`)
  return status
}

/** @param leftOut a field that the client did not ask for, empty for none. @throws UnwritableMessage */
export function writeResponse(encoder: HpackEncoder, head: ResponseHead, method: string, leftOut = ''): void {
  const { status, bodyLength } = head
  const isSwitch = status === 101
  encoder.begin()
  encoder.field(':status', isSwitch ? '200' : statusText(status))
  writeFields(encoder, head.headers, leftOut)
  if (!isSwitch && saysLength(head, method)) encoder.field('content-length', String(bodyLength))
}

/** As in HTTP/1.1: for HEAD and 304 the length that a GET would have had (RFC 9110 section 8.6). */
function saysLength({ status, bodyLength }: ResponseHead, method: string): boolean {
  if (bodyLength === unknownLength || status < 200 || status === 204) return false
  return !(status === 304 && bodyLength === 0) && !(method === 'CONNECT' && status < 300)
}

/** @throws UnwritableMessage */
export function writeInformational(encoder: HpackEncoder, status: number, headers: HeaderList): void {
  if (status === 101 || status >= 200) throw new UnwritableMessage(`${status} is no informational status`)
  encoder.begin()
  encoder.field(':status', statusText(status))
  writeFields(encoder, headers, '')
}
