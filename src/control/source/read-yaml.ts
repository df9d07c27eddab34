/** A chunk of YAML text → documents, or what is wrong with its text. Never throws for what a user wrote. */
import { type Document, LineCounter, parseAllDocuments, type ScalarTag, type YAMLParseError } from 'yaml'
import type { FaultCodeName } from '#/api/fault-codes.ts'
import type { Fault } from './resources.ts'
import type { YamlChunk } from './yaml-chunk.ts'
import { YamlDocument } from './yaml-document.ts'

/** Expanded aliases of a document; more of them is an attack or a mistake ("billion laughs"). */
const aliasCountMax = 1000
/** Maps and lists within one another; a Deployment has about 12. */
const depthMax = 64
/** Of one document: what follows the first faults follows from them. */
const faultsMax = 3

/** As the API server's tools read YAML (1.1): a bare `yes` is no text there, so it must not be one here. */
const oldBoolean: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
}

const cures: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces; YAML allows no tabs there',
  DUPLICATE_KEY: 'remove one of the two',
  BAD_INDENT: 'give all fields of a map the same indentation',
  MISSING_CHAR: 'close the quote or the bracket, or put a space behind the colon',
  NON_STRING_KEY: 'write a plain field name; {{ … }} of a template must be filled in first (helm template)',
  RESOURCE_EXHAUSTION: `nest maps and lists at most ${depthMax} deep`,
  MULTILINE_IMPLICIT_KEY: 'put a colon behind the field name, and check the indentation',
  BLOCK_AS_IMPLICIT_KEY: 'check the indentation; a field name stands on one line',
}

export interface YamlReading {
  documents: YamlDocument[]
  faults: Fault[]
}

/** Documents with a fault are left out and the fault told; empty documents are left out. */
export function readYaml(file: string, chunk: YamlChunk): YamlReading {
  const lines = new LineCounter()
  const linesBefore = chunk.line - 1
  const reading: YamlReading = { documents: [], faults: [] }
  const tell = (offset: number, code: FaultCodeName, message: string, cure: string): void => {
    const { line, col } = lines.linePos(offset)
    const origin = { file, line: Math.max(1, line) + linesBefore, column: Math.max(1, col) }
    reading.faults.push({ severity: 'error', code, object: '', origin, field: '', message, cure })
  }
  const parsed = parseAllDocuments(chunk.text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    merge: true,
    stringKeys: true,
    customTags: (tags) => [oldBoolean, ...tags],
  })
  for (const document of Array.isArray(parsed) ? (parsed as Document.Parsed[]) : []) {
    for (const error of document.errors.slice(0, faultsMax))
      tell(error.pos[0], codeOf(error), messageOf(error), cures[error.code] ?? 'mend the YAML at this place')
    if (document.errors.length > 0) continue
    try {
      const value = plainOf(document.toJS({ maxAliasCount: aliasCountMax }), 0)
      if (value !== null) reading.documents.push(new YamlDocument({ document, lines, linesBefore, file, value }))
    } catch (error) {
      // Aliases, merges and depth are found out only when the document becomes a value.
      const message = error instanceof Error ? error.message : String(error)
      tell(document.contents?.range[0] ?? 0, 'syntax', inWords(message), cureOf(message))
    }
  }
  return reading
}

function codeOf(error: YAMLParseError): FaultCodeName {
  return error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'syntax'
}

function messageOf(error: YAMLParseError): string {
  if (error.code === 'RESOURCE_EXHAUSTION') return 'maps and lists are nested too deep'
  if (error.code === 'NON_STRING_KEY') return 'a field name is no plain text'
  return inWords(error.message.split('\n')[0]!)
}

function inWords(message: string): string {
  if (message.startsWith('Excessive alias count')) return 'the document repeats its anchors too often'
  return message.charAt(0).toLowerCase() + message.slice(1)
}

function cureOf(message: string): string {
  if (message.startsWith('Excessive alias count')) return `use at most ${aliasCountMax} aliases (*name)`
  if (message.startsWith('Unresolved alias')) return 'put the anchor (&name) in front of its use, in the same document'
  if (message.startsWith('Merge')) return 'write <<: *name, with the anchor &name at a map'
  return `nest maps and lists at most ${depthMax} deep`
}

/** Maps whose field names are the user's own: a null there is a forgotten value, not an absent field. */
const ownNames = new Set(['labels', 'annotations', 'matchLabels', 'selector'])

/**
 * A value as the API server sees it: a field that is null is a field that is not there. Nulls in lists, and under names of
 * the user's own, stay to be told.
 * @throws Error when it is nested too deep, which a value that holds itself always is.
 */
function plainOf(value: unknown, depth: number, keepsNulls = false): unknown {
  if (value === null || typeof value !== 'object') return value
  if (depth > depthMax) throw new Error('maps and lists are nested too deep, or one holds itself')
  if (Array.isArray(value)) return value.map((item) => plainOf(item, depth + 1))
  if (!isPlain(value)) return String(value)
  const fields: [string, unknown][] = []
  for (const [name, field] of Object.entries(value)) {
    if (field !== null || keepsNulls) fields.push([name, plainOf(field, depth + 1, ownNames.has(name))])
  }
  // Not by assignment: a field may be called __proto__.
  return Object.fromEntries(fields)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
