/** What a connection speaks, by the first bytes of its client (docs/decisions/0007-protocols.md). */
import { preface } from '#/codec/http2/frame.ts'
import { maybeTls, readClientHello } from './client-hello.ts'

export type Reading = { type: 'more' } | { type: 'http' } | { type: 'opaque' } | { type: 'tls'; serverName: string }

const more: Reading = { type: 'more' }
const http: Reading = { type: 'http' }
const opaque: Reading = { type: 'opaque' }

/** A first line that is longer is not waited for. */
const lineBytesMax = 8192
/** `METHOD TARGET HTTP/1.x`; other line protocols have words in upper case too (`MAIL FROM:<a>`, `PING`). */
const requestLine = /^[A-Z]+ \S+ HTTP\/1\.[01]\r?$/
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'REPORT',
  'MKCOL',
]

/** @param bytes all that has come so far, one or more. */
export function readFirstBytes(bytes: Buffer): Reading {
  if (maybeTls(bytes)) {
    const hello = readClientHello(bytes)
    if (hello.type === 'no') return opaque
    return hello.type === 'more' ? more : { type: 'tls', serverName: hello.serverName }
  }
  const length = Math.min(bytes.length, preface.length)
  if (bytes.compare(preface, 0, length, 0, length) === 0) return length === preface.length ? http : more
  const lineEnd = bytes.indexOf(0x0a)
  if (lineEnd >= 0)
    return requestLine.test(bytes.toString('latin1', 0, Math.min(lineEnd, lineBytesMax))) ? http : opaque
  if (bytes.length > lineBytesMax) return opaque
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, 12))
  return methods.some((method) => text.startsWith(`${method} `) || `${method} `.startsWith(text)) ? more : opaque
}
