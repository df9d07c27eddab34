/** The codec's own answer to bytes that are no request. */
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import { responseText } from './head-writer.ts'

const terms = { method: 'GET', isOldClient: false, isKeepAlive: false }

/** @param detail the broken rule, ASCII; empty when it is none of the client's business. */
export function refusalText(code: ErrorCodeName, detail: string): string {
  const { status, meaning } = errorCodes[code]
  const body = `${code}: ${meaning}${detail === '' ? '' : ` (${detail})`}\n`
  const headers = ['content-type', 'text/plain; charset=utf-8', 'weft-detail', `${code}; ${detail}`]
  return responseText({ status, headers, bodyLength: body.length, upgrade: '' }, terms, 'fixed') + body
}
