/**
 * The objects of all files, each in its last good version. A file with a syntax fault keeps what it held; an object with a
 * fault keeps its last good version; an equal object keeps its identity.
 */
import type { KindName } from '#/api/kinds.ts'
import type { FileText } from './read-folder.ts'
import { objectId, type ReadObject, type ReadOutcome, readObjects } from './read-objects.ts'
import type { Fault, Sourced } from './resources.ts'

interface StoredFile {
  text: string
  objects: ReadObject[]
  faults: Fault[]
}

const identify = (object: ReadObject): string => objectId(object.kind, object.key)

export class ObjectStore {
  #files = new Map<string, StoredFile>()

  /** Takes the present files. @returns true when something differs from before. */
  update(files: readonly FileText[]): boolean {
    const next = new Map<string, StoredFile>()
    let isChanged = files.length !== this.#files.size
    for (const { path, text } of files) {
      const before = this.#files.get(path)
      if (before?.text === text) {
        next.set(path, before)
        continue
      }
      isChanged = true
      next.set(path, this.#read(path, text, before))
    }
    this.#files = next
    return isChanged
  }

  #read(path: string, text: string, before: StoredFile | undefined): StoredFile {
    const outcome = readObjects(path, text)
    const old = new Map(before?.objects.map((object) => [identify(object), object]))
    // The place may have moved with an equal value: faults must point to where it stands now, so only the value is kept.
    const objects = outcome.objects.map((object) => keepValue(object, old.get(identify(object))))
    const present = new Set(objects.map(identify))
    for (const [id, object] of old) if (!present.has(id) && mayStay(id, outcome)) objects.push(object)
    return { text, objects, faults: outcome.faults }
  }

  /** Objects by kind and key; of two with one name the first by file and place wins. */
  collect(): { byKind: Map<KindName, Map<string, Sourced<never>>>; faults: Fault[] } {
    const byKind = new Map<KindName, Map<string, Sourced<never>>>()
    const faults: Fault[] = []
    for (const [, file] of [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      faults.push(...file.faults)
      for (const { kind, key, sourced } of file.objects) {
        let objects = byKind.get(kind)
        if (!objects) {
          objects = new Map()
          byKind.set(kind, objects)
        }
        const first = objects.get(key)
        if (first) faults.push(duplicate(`${kind}/${key}`, { first, second: sourced }))
        else objects.set(key, sourced)
      }
    }
    return { byKind, faults }
  }
}

function mayStay(id: string, outcome: ReadOutcome): boolean {
  return outcome.hasSyntaxFault || outcome.faulty.has(id)
}

function keepValue(object: ReadObject, before: ReadObject | undefined): ReadObject {
  if (before?.fingerprint !== object.fingerprint) return object
  return { ...object, sourced: { ...object.sourced, value: before.sourced.value } }
}

function duplicate(object: string, places: { first: Sourced<never>; second: Sourced<never> }): Fault {
  const { first, second } = places
  const { file, line } = first.origin
  return {
    severity: 'error',
    code: 'duplicate-object',
    object,
    origin: second.locate('metadata.name'),
    field: 'metadata.name',
    message: `${object} is written twice; the one at ${file}:${line} is in force`,
    cure: 'remove or rename one of the two',
  }
}
