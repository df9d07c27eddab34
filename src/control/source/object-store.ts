/**
 * The objects of all files, each in its last good version. What is equal keeps its identity; a document is read anew only
 * when its text changed.
 */
import type { KindName } from '#/api/kinds.ts'
import { joinOutcomes, moveOutcome, objectId, type ReadObject, type ReadOutcome, readChunk } from './read-objects.ts'
import type { Fault, Sourced } from './resources.ts'
import { cutYaml, type YamlChunk } from './yaml-chunk.ts'

interface StoredFile {
  text: string
  chunks: { chunk: YamlChunk; outcome: ReadOutcome }[]
  outcome: ReadOutcome
  /** Objects that it held when it was last read without doubt, and since. */
  held: ReadonlySet<string>
}

export type ObjectTable = Map<KindName, Map<string, Sourced<never>>>

export class ObjectStore {
  #files = new Map<string, StoredFile>()
  /** What is in force, by `objectId`. */
  #inForce = new Map<string, ReadObject>()

  /** Takes the present texts, by path. */
  update(texts: ReadonlyMap<string, string>): void {
    const next = new Map<string, StoredFile>()
    for (const path of [...texts.keys()].sort()) {
      const text = texts.get(path)!
      const before = this.#files.get(path)
      next.set(path, before?.text === text ? before : this.#read(path, text, before))
    }
    this.#files = next
  }

  #read(path: string, text: string, before: StoredFile | undefined): StoredFile {
    const known = Map.groupBy(before?.chunks ?? [], ({ chunk }) => chunk.text)
    const chunks = cutYaml(text).map((chunk) => {
      const same = known.get(chunk.text)?.shift()
      if (!same) return { chunk, outcome: this.#keepValues(readChunk(path, chunk)) }
      if (same.chunk.line === chunk.line) return same
      return { chunk, outcome: moveOutcome(same.outcome, { from: same.chunk.line, to: chunk.line }) }
    })
    const outcome = joinOutcomes(chunks.map((each) => each.outcome))
    const own = [...outcome.objects.map(objectId), ...outcome.faulty]
    return { text, chunks, outcome, held: new Set(outcome.isVague ? [...own, ...(before?.held ?? [])] : own) }
  }

  /** An object that was written anew but means the same keeps its value; its place may have moved. */
  #keepValues(outcome: ReadOutcome): ReadOutcome {
    const objects = outcome.objects.map((object) => {
      const before = this.#inForce.get(objectId(object))?.sourced.value
      if (before === undefined || JSON.stringify(before) !== JSON.stringify(object.sourced.value)) return object
      return { ...object, sourced: { ...object.sourced, value: before } }
    })
    return { ...outcome, objects }
  }

  /** What is in force: of two objects with one name the first by path and place; of a faulty one its last good version. */
  collect(): { byKind: ObjectTable; faults: Fault[] } {
    const faults: Fault[] = []
    const inForce = new Map<string, ReadObject>()
    for (const { outcome } of this.#files.values()) {
      faults.push(...outcome.faults)
      for (const object of outcome.objects) {
        const first = inForce.get(objectId(object))
        if (first) faults.push(duplicate(first, object))
        else inForce.set(objectId(object), object)
      }
    }
    for (const { outcome, held } of this.#files.values()) {
      for (const id of outcome.isVague ? held : outcome.faulty) {
        const good = this.#inForce.get(id)
        if (good && !inForce.has(id)) inForce.set(id, good)
      }
    }
    this.#inForce = inForce
    const byKind: ObjectTable = new Map()
    for (const { kind, key, sourced } of inForce.values()) {
      if (!byKind.has(kind)) byKind.set(kind, new Map())
      byKind.get(kind)!.set(key, sourced)
    }
    return { byKind, faults }
  }
}

function duplicate(first: ReadObject, second: ReadObject): Fault {
  const { file, line } = first.sourced.origin
  const object = `${second.kind}/${second.key}`
  return {
    severity: 'error',
    code: 'duplicate-object',
    object,
    origin: second.document.locate(['metadata', 'name']),
    field: 'metadata.name',
    message: `${object} is written twice; the one at ${file}:${line} is in force`,
    cure: 'remove or rename one of the two',
  }
}
