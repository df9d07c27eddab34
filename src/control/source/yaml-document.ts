/** A YAML document that knows where each of its fields stands. */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node } from 'yaml'
import type { FieldPath } from './field-path.ts'
import type { Origin } from './resources.ts'

interface DocumentOptions {
  document: Document
  /** Of the chunk that the document stands in. */
  lines: LineCounter
  /** Lines of the file in front of the chunk. */
  linesBefore: number
  file: string
  /** Plain JavaScript, without nulls. */
  value: unknown
  /** Steps in front of every path: the place of an item of a List. */
  prefix?: FieldPath
}

export class YamlDocument {
  readonly #options: DocumentOptions

  constructor(options: DocumentOptions) {
    this.#options = options
  }

  get value(): unknown {
    return this.#options.value
  }

  /** The same document where text in front of it came or went. */
  moved(linesBefore: number): YamlDocument {
    return new YamlDocument({ ...this.#options, linesBefore })
  }

  /** An entry of a `kind: List`, as a document of its own. */
  item(index: number, value: unknown): YamlDocument {
    const { prefix = [] } = this.#options
    return new YamlDocument({ ...this.#options, value, prefix: [...prefix, 'items', index] })
  }

  /** Where the field stands, or its nearest parent that exists. The key itself for a field of a map. */
  locate(path: FieldPath): Origin {
    const { document, lines, linesBefore, file, prefix = [] } = this.#options
    const { line, col } = lines.linePos(this.#offsetOf(document.contents, [...prefix, ...path]))
    return { file, line: Math.max(1, line) + linesBefore, column: Math.max(1, col) }
  }

  #offsetOf(root: Node | null, path: FieldPath): number {
    const { document } = this.#options
    let node: unknown = root
    let offset = startOf(root) ?? document.range?.[0] ?? 0
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document)
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
        if (!pair) break
        offset = startOf(pair.key) ?? offset
        node = pair.value
      } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
        node = node.items[step]
        offset = startOf(node) ?? offset
      } else break
    }
    return offset
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
