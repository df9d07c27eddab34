/** What is known of a field's name when it is encoded: its place in the static table, and whether its values are worth an entry. */
import type { FieldRole } from '../../http1/field.ts'
import { lookUpName } from '../../http1/field.ts'
import { staticTable } from './tables.ts'

/** Each value is new: an entry would only push others out. */
const neverIndexed = new Set([
  ':path',
  'content-length',
  'date',
  'etag',
  'last-modified',
  'x-request-id',
  'traceparent',
  'tracestate',
  'grpc-timeout',
])

/** Not to be guessed at by what is cheaper to send (RFC 7541 section 7.1.3); whoever passes them on must not index them either. */
const sensitive = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie'])

export interface NameEntry {
  /** Lower-case. */
  readonly name: string
  /** What it means to framing; a pseudo-field has no place among the fields of a message. */
  readonly role: FieldRole | 'pseudo' | 'invalid'
  /** In the static table; 0 when it is not. */
  readonly staticIndex: number
  /** Value → index in the static table. */
  readonly staticValues: ReadonlyMap<string, number> | undefined
  readonly isIndexable: boolean
  readonly isSensitive: boolean
}

/** The longest path in the static table: others need not be searched for. */
export const staticPathMax = '/index.html'.length

const staticNames = new Map<string, { index: number; values: Map<string, number> }>()
staticTable.forEach(([name, value], i) => {
  const known = staticNames.get(name) ?? { index: i + 1, values: new Map<string, number>() }
  if (value !== '') known.values.set(value, i + 1)
  staticNames.set(name, known)
})

const nameEntries = new Map<string, NameEntry>()
const nameEntriesMax = 2000
/** Longer names are not remembered: peers choose them. */
const nameLengthMax = 64

export function nameEntry(raw: string): NameEntry {
  let entry = nameEntries.get(raw)
  if (entry === undefined) {
    entry = makeEntry(raw)
    if (nameEntries.size >= nameEntriesMax) nameEntries.clear()
    if (raw.length <= nameLengthMax) nameEntries.set(raw, entry)
  }
  return entry
}

function makeEntry(raw: string): NameEntry {
  const isPseudo = raw.charCodeAt(0) === 0x3a
  const field = isPseudo ? undefined : lookUpName(raw)
  const name = field?.name ?? raw
  const known = staticNames.get(name)
  return {
    name,
    role: isPseudo ? 'pseudo' : (field?.role ?? 'invalid'),
    staticIndex: known?.index ?? 0,
    staticValues: known && known.values.size > 0 ? known.values : undefined,
    isIndexable: !neverIndexed.has(name) && !sensitive.has(name),
    isSensitive: sensitive.has(name),
  }
}
