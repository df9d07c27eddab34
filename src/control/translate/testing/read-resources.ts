/** Resources from YAML text, for tests: read as the file source does; what has a fault there is no input for translation. */
import { readObjects } from '#/control/source/read-objects.ts'
import { ResourceTable } from '#/control/source/resource-table.ts'
import type { Resources } from '#/control/source/resources.ts'

/** @throws Error for the first fault. */
export function readResources(text: string, file = 'test.yaml'): Resources {
  const { objects, faults } = readObjects(file, text)
  const [fault] = faults
  if (fault) throw new Error(`${file}:${fault.origin.line} ${fault.field}: ${fault.message}`)
  const byKind = Map.groupBy(objects, ({ kind }) => kind)
  return new ResourceTable(
    new Map([...byKind].map(([kind, own]) => [kind, new Map(own.map(({ key, sourced }) => [key, sourced]))])),
  )
}
