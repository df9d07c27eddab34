/** What a schema knows of the fields below a value, read from its definition. */
import type { z } from 'zod'

interface Definition {
  type: string
  innerType?: z.ZodType
  options?: readonly z.ZodType[]
  shape?: Readonly<Record<string, z.ZodType>>
  element?: z.ZodType
  valueType?: z.ZodType
  catchall?: { def: { type: string } }
  values?: readonly unknown[]
}

/** The schemas that a value at this place may pass: itself, or the branches of a union, without `optional` around them. */
function branches(schema: z.ZodType): Definition[] {
  const definition = schema.def as unknown as Definition
  if (definition.innerType) return branches(definition.innerType)
  if (definition.options) return definition.options.flatMap(branches)
  return [definition]
}

/** The schema of a field or a list's entry; the first that fits, where there are several. */
export function childSchema(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  for (const { shape, element, valueType } of branches(schema)) {
    const child = typeof step === 'number' ? element : shape && Object.hasOwn(shape, step) ? shape[step] : valueType
    if (child) return child
  }
  return undefined
}

export function schemaAt(schema: z.ZodType, path: readonly (string | number)[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema
  for (const step of path) at = at && childSchema(at, step)
  return at
}

/** Names of the fields that a map at this place may have; `isLoose` when others pass as well. */
export function fieldsOf(schema: z.ZodType): { names: string[]; isLoose: boolean } {
  const maps = branches(schema).filter(({ shape }) => shape)
  return {
    names: [...new Set(maps.flatMap(({ shape }) => Object.keys(shape!)))],
    isLoose: maps.length > 0 && maps.every(({ catchall }) => catchall && catchall.def.type !== 'never'),
  }
}

/** The values of a field that tells the branches of a union apart. */
export function discriminatorValues(schema: z.ZodType, field: string): string[] {
  return branches(schema).flatMap(({ shape }) => {
    const own = shape?.[field]
    return own ? branches(own).flatMap(({ values }) => (values ?? []).map(String)) : []
  })
}
