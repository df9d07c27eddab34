/** What was changed from one configuration to the next, for the audit log. */
import { type KindName, kinds } from '#/api/kinds.ts'
import { formatObjectRef } from '#/model/object-ref.ts'
import type { Resources, Sourced } from '../source/resources.ts'
import type { ChangeEntry } from './audit-entry.ts'
import { diffObjects } from './spec-diff.ts'

/** Nobody decides these: controllers write them. */
const ofControllers: ReadonlySet<KindName> = new Set(['Pod', 'EndpointSlice'])
const watched = (Object.keys(kinds) as KindName[]).filter((kind) => !ofControllers.has(kind))

interface Written {
  metadata: {
    name: string
    namespace?: string | undefined
    generation?: number | undefined
    managedFields?: unknown
  }
}

export interface ChangeContext {
  at: string
  generation: number
}

export function configChanges(before: Resources, after: Resources, context: ChangeContext): ChangeEntry[] {
  return watched.flatMap((kind) => {
    const old = before.of(kind) as ReadonlyMap<string, Sourced<Written>>
    const now = after.of(kind) as ReadonlyMap<string, Sourced<Written>>
    const entries: ChangeEntry[] = []
    for (const [key, sourced] of now) {
      const previous = old.get(key)
      if (previous?.value === sourced.value) continue
      const fields = diffObjects(previous?.value, sourced.value)
      if (previous && fields.length === 0) continue
      entries.push(entryOf(kind, sourced, { ...context, change: previous ? 'changed' : 'created', fields }))
    }
    for (const [key, sourced] of old) {
      if (now.has(key)) continue
      const fields = diffObjects(sourced.value, undefined)
      entries.push(entryOf(kind, sourced, { ...context, change: 'deleted', fields }))
    }
    return entries
  })
}

export function countObjects(resources: Resources): number {
  return watched.reduce((sum, kind) => sum + resources.of(kind).size, 0)
}

function entryOf(
  kind: KindName,
  { value, origin }: Sourced<Written>,
  { at, generation, change, fields }: ChangeContext & Pick<ChangeEntry, 'change' | 'fields'>,
): ChangeEntry {
  const { name, namespace } = value.metadata
  const ref = { kind, name, namespace: namespace ?? (kinds[kind].isNamespaced ? 'default' : '') }
  return {
    type: 'change',
    at,
    change,
    object: formatObjectRef(ref),
    by: writerOf(value) ?? `${origin.file}:${origin.line}`,
    generation: value.metadata.generation ?? generation,
    fields,
  }
}

/** In a cluster, who wrote last (`metadata.managedFields`, of the API server). */
function writerOf({ metadata: { managedFields } }: Written): string | undefined {
  if (!Array.isArray(managedFields)) return undefined
  const writers = managedFields as { manager?: unknown; time?: unknown; subresource?: unknown }[]
  const last = writers
    .filter(({ subresource }) => subresource === undefined)
    .sort((a, b) => (String(a.time) < String(b.time) ? -1 : 1))
    .at(-1)
  return typeof last?.manager === 'string' ? last.manager : undefined
}
