/** A YAML document that knows where each of its fields stands. */
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type ParsedNode, parseAllDocuments } from 'yaml'
import type { Fault, Origin } from './resources.ts'

/** More of them is an attack or a mistake ("billion laughs"). */
const aliasCountMax = 100

export class YamlDocument {
  readonly #document: Document.Parsed<ParsedNode>
  readonly #lines: LineCounter
  readonly #file: string
  /** Plain JavaScript. */
  readonly value: unknown
  /** Steps in front of every path: the place of an item of a List. */
  readonly #prefix: readonly (string | number)[]

  constructor(options: {
    document: Document.Parsed<ParsedNode>
    lines: LineCounter
    file: string
    value: unknown
    prefix?: readonly (string | number)[]
  }) {
    this.#document = options.document
    this.#lines = options.lines
    this.#file = options.file
    this.value = options.value
    this.#prefix = options.prefix ?? []
  }

  /** The items of a `kind: List`, each as a document of its own. */
  items(): YamlDocument[] {
    const items = (this.value as { items?: unknown }).items
    if (!Array.isArray(items)) return []
    return items.map(
      (value, index) =>
        new YamlDocument({
          document: this.#document,
          lines: this.#lines,
          file: this.#file,
          value,
          prefix: [...this.#prefix, 'items', index],
        }),
    )
  }

  /** Where the field stands, or its nearest parent that exists. The key itself for a field of a map. */
  locate(path: readonly (string | number)[]): Origin {
    const whole = [...this.#prefix, ...path]
    for (let length = whole.length; length >= 0; length--) {
      const offset = this.#offsetOf(whole.slice(0, length))
      if (offset !== undefined) return this.#originAt(offset)
    }
    return this.#originAt(this.#document.range[0])
  }

  #offsetOf(path: readonly (string | number)[]): number | undefined {
    const parent = path.length === 0 ? undefined : this.#document.getIn(path.slice(0, -1), true)
    const last = path.at(-1)
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last)
      const key = pair?.key
      return isScalar(key) ? key.range?.[0] : undefined
    }
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true)
    return isNode(node) ? node.range?.[0] : undefined
  }

  #originAt(offset: number): Origin {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) }
  }
}

/** `spec.rules[0].name` ⇄ ['spec', 'rules', 0, 'name']. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const step of path)
    text += typeof step === 'number' ? `[${step}]` : text === '' ? String(step) : `.${String(step)}`
  return text
}

export function parsePath(text: string): (string | number)[] {
  const steps: (string | number)[] = []
  for (const match of text.matchAll(/\[(\d+)\]|([^.[\]]+)/g))
    steps.push(match[1] === undefined ? match[2]! : Number(match[1]))
  return steps
}

const cures: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces; YAML allows no tabs there',
  DUPLICATE_KEY: 'remove one of the two',
  BAD_INDENT: 'give all fields of a map the same indentation',
  MISSING_CHAR: 'close the quote or the bracket, or put a space behind the colon',
}

/** Reads all documents of a file. Documents with a syntax fault are left out and their faults told. */
export function readYaml(file: string, text: string): { documents: YamlDocument[]; faults: Fault[] } {
  const lines = new LineCounter()
  const documents: YamlDocument[] = []
  const faults: Fault[] = []
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const fault = (offset: number, code: string, message: string, cure: string): void => {
      const { line, col } = lines.linePos(offset)
      const origin = { file, line: Math.max(1, line), column: Math.max(1, col) }
      faults.push({ severity: 'error', code, object: '', origin, field: '', message, cure })
    }
    for (const error of document.errors) {
      fault(
        error.pos[0],
        error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'syntax',
        error.message.split('\n')[0]!,
        cures[error.code] ?? 'mend the YAML at this place',
      )
    }
    if (document.errors.length > 0) continue
    try {
      const value: unknown = document.toJS({ maxAliasCount: aliasCountMax })
      if (value !== null && value !== undefined)
        documents.push(new YamlDocument({ document: document as Document.Parsed<ParsedNode>, lines, file, value }))
    } catch (error) {
      fault(
        document.range[0],
        'syntax',
        error instanceof Error ? error.message : String(error),
        'use fewer aliases (*name)',
      )
    }
  }
  return { documents, faults }
}
