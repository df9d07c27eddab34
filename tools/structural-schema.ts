/**
 * JSON schema → what Kubernetes calls structural (CustomResourceDefinitions, "Specifying a structural schema"): every field has a type, and
 * only values are told apart under `anyOf`. What can't be said so is left to Weft's own check.
 */

type Schema = Record<string, unknown>

/** Keywords that mean the same in both. */
const kept = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'enum',
  'default',
  'nullable',
  'description',
]

export function structural(schema: Schema): Schema {
  const branches = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as Schema[] | undefined
  if (branches) return union(branches, schema)
  switch (schema.type) {
    case 'object':
      return { ...values(schema), ...object(schema) }
    case 'array':
      return { ...values(schema), type: 'array', items: structural((schema.items ?? {}) as Schema) }
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: schema.type, ...values(schema), ...pattern(schema) }
    default:
      return Array.isArray(schema.enum) ? { type: typeof schema.enum[0], ...values(schema) } : anything
  }
}

const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true }

function values(schema: Schema): Schema {
  const found: Schema = {}
  for (const name of kept) if (schema[name] !== undefined && isTold(name, schema[name])) found[name] = schema[name]
  return found
}

/** The limits of a JavaScript number are no limits of the field. */
function isTold(name: string, value: unknown): boolean {
  return !(/^(minimum|maximum)$/.test(name) && Math.abs(Number(value)) >= Number.MAX_SAFE_INTEGER)
}

/** RE2 knows no look-around. */
function pattern(schema: Schema): Schema {
  const text = schema.pattern
  return typeof text === 'string' && !/\(\?[=!<]/.test(text) ? { pattern: text } : {}
}

function object({ properties, required, additionalProperties }: Schema): Schema {
  if (properties) {
    const fields = Object.entries(properties as Record<string, Schema>).map(([name, field]) => [
      name,
      structural(field),
    ])
    // Unknown fields are pruned, or refused with `fieldValidation: Strict`, as kubectl asks: `additionalProperties` may not stand here.
    return { type: 'object', properties: Object.fromEntries(fields), ...(required ? { required } : {}) }
  }
  if (additionalProperties && typeof additionalProperties === 'object')
    return { type: 'object', additionalProperties: structural(additionalProperties as Schema) }
  return { type: 'object', ...anything }
}

/** One schema that takes what any branch takes: of objects all fields, required only what all require. */
function union(branches: readonly Schema[], { anyOf: _any, oneOf: _one, allOf: _all, ...around }: Schema): Schema {
  const real = branches.filter(({ type, enum: only }) => type !== 'null' && !(Array.isArray(only) && only[0] === null))
  const isNullable = real.length < branches.length ? { nullable: true } : {}
  const read = real.map((branch) => structural({ ...around, ...branch }))
  const types = new Set(read.map(({ type }) => type))
  if (types.size === 1 && types.has('object')) return { ...merge(read), ...isNullable }
  if (types.size === 1) return { ...(read.length === 1 ? read[0]! : sameType(read)), ...isNullable }
  if ([...types].every((type) => type === 'string' || type === 'integer'))
    return { 'x-kubernetes-int-or-string': true, ...isNullable }
  return { ...anything, ...isNullable }
}

function sameType(branches: readonly Schema[]): Schema {
  const enums = branches.map((branch): unknown => branch.enum).map((one) => (Array.isArray(one) ? one : undefined))
  const all = enums.every((one) => one) ? { enum: [...new Set(enums.flatMap((one) => one!))] } : {}
  const items = branches.find((branch) => branch.items)?.items
  return { type: branches[0]!.type, ...all, ...(items ? { items } : {}) }
}

function merge(branches: readonly Schema[]): Schema {
  const fields = new Map<string, Schema[]>()
  for (const { properties = {} } of branches)
    for (const [name, field] of Object.entries(properties as Record<string, Schema>))
      fields.set(name, [...(fields.get(name) ?? []), field])
  const properties = [...fields].map(([name, all]) => [name, all.length === 1 ? all[0]! : union(all, {})])
  const required = branches
    .map((branch) => new Set((branch.required as string[] | undefined) ?? []))
    .reduce((both, next) => both.intersection(next))
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.size > 0 ? { required: [...required] } : {}),
  }
}
