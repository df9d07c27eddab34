/** Resources from YAML text, for tests: documents pass their schemas as in the file source, faults throw. */
import { type Document, isCollection, isNode, LineCounter, parseAllDocuments } from 'yaml'
import { type KindName, type Kinds, kinds } from '#/api/kinds.ts'
import type { Origin, Resources, Sourced } from '#/control/source/resources.ts'

export function readResources(text: string, file = 'test.yaml'): Resources {
  const lines = new LineCounter()
  const found = new Map<string, Map<string, Sourced<unknown>>>()
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    if (document.errors[0]) throw document.errors[0]
    const object = document.toJS() as { kind: KindName; metadata: { name: string; namespace?: string } } | null
    if (object === null) continue
    const kind = kinds[object.kind]
    const value = kind.schema.parse(object)
    const { name, namespace = 'default' } = object.metadata
    const objects = found.get(object.kind) ?? new Map()
    found.set(object.kind, objects)
    const locate = (path: string): Origin => place(document, { path, lines, file })
    objects.set(kind.isNamespaced ? `${namespace}/${name}` : name, { value, origin: locate(''), locate })
  }
  return {
    of: <K extends KindName>(kind: K) => (found.get(kind) ?? new Map()) as ReadonlyMap<string, Sourced<Kinds[K]>>,
  }
}

/** The nearest ancestor of the field that is written down. */
function place(document: Document, at: { path: string; lines: LineCounter; file: string }): Origin {
  const { path, lines, file } = at
  const steps = [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map((found) =>
    found[2] === undefined ? (found[1] ?? found[3]!) : Number(found[2]),
  )
  let node: unknown = document.contents
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
  for (const step of steps) {
    const next: unknown = isCollection(node) ? node.get(step, true) : undefined
    if (!isNode(next)) break
    node = next
    offset = next.range?.[0] ?? offset
  }
  const { line, col } = lines.linePos(offset)
  return { file, line, column: col }
}
