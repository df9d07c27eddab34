/**
 * Header lines. The same lines come again and again on a connection, so a bounded map from the raw line to its parsed
 * field saves lower-casing, splitting, trimming and checking. Fields that change with every request are not kept.
 */
import { badRequest } from './fault.ts'
import { isToken, trimOws } from './syntax.ts'

/** What a field means to framing; `plain` ones are handed on. */
export type FieldRole =
  | 'plain'
  | 'host'
  | 'content-length'
  | 'transfer-encoding'
  | 'connection'
  | 'upgrade'
  | 'expect'
  | 'dropped'

export interface Field {
  readonly name: string
  readonly value: string
  readonly role: FieldRole
}

const roles: Readonly<Record<string, FieldRole>> = {
  host: 'host',
  'content-length': 'content-length',
  'transfer-encoding': 'transfer-encoding',
  connection: 'connection',
  upgrade: 'upgrade',
  expect: 'expect',
  'keep-alive': 'dropped',
  'proxy-connection': 'dropped',
  te: 'dropped',
  trailer: 'dropped',
  'http2-settings': 'dropped',
}

/** Never kept: unique to a request, or secret. */
const volatileNames = new Set([
  'x-request-id',
  'traceparent',
  'tracestate',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'content-length',
  'date',
  'last-modified',
  'etag',
  'cookie',
  'set-cookie',
  'authorization',
  'proxy-authorization',
  'location',
  'age',
])

const lineLengthMax = 160
const lineCountMax = 1024
const nameCountMax = 512

interface KnownName {
  readonly name: string
  readonly role: FieldRole
  readonly isVolatile: boolean
}

const lines = new Map<string, Field>()
const names = new Map<string, KnownName>()

/** Reads one line without its CRLF. @throws FramingFault for whitespace before the colon, a bad name, a folded line. */
export function parseField(line: string): Field {
  const isShort = line.length <= lineLengthMax
  if (isShort) {
    const known = lines.get(line)
    if (known !== undefined) return known
  }
  const colon = line.indexOf(':')
  if (colon <= 0) throw badRequest(colon === 0 ? 'a header line has no name' : 'a header line has no colon')
  const { name, role, isVolatile } = lookUpName(line.slice(0, colon))
  const field: Field = { name, value: trimOws(line.slice(colon + 1)), role }
  if (isShort && !isVolatile) {
    if (lines.size >= lineCountMax) lines.clear()
    lines.set(line, field)
  }
  return field
}

function lookUpName(raw: string): KnownName {
  const known = names.get(raw)
  if (known !== undefined) return known
  if (!isToken(raw)) {
    const first = raw.charCodeAt(0)
    if (first === 0x20 || first === 0x09) throw badRequest('a header line is folded (RFC 9112 section 5.2)')
    throw badRequest('a header name holds a character that no name may hold, or whitespace before the colon')
  }
  const name = raw.toLowerCase()
  const entry: KnownName = { name, role: roles[name] ?? 'plain', isVolatile: volatileNames.has(name) }
  if (names.size >= nameCountMax) names.clear()
  names.set(raw, entry)
  return entry
}
