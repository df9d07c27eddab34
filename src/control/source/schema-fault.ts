/** What a schema says of an object, in the words of a person: what is wrong, what was expected, what to do. */
import type { z } from 'zod'
import { nearest } from './suggestion.ts'

export interface SchemaFault {
  code: string
  path: (string | number)[]
  message: string
  cure: string
}

type Issue = z.core.$ZodIssue

const typeWords: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of fields',
}
const word = (type: string): string => typeWords[type] ?? type

function describe(value: unknown): string {
  if (value === null) return 'nothing (null)'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of fields'
  return typeof value === 'string'
    ? `the text ${JSON.stringify(value)}`
    : `${typeof value === 'boolean' ? '' : 'the number '}${String(value)}`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const step of path)
    at = at === null || typeof at !== 'object' ? undefined : (at as Record<PropertyKey, unknown>)[step]
  return at
}

/** Field names that the schema knows at a path: found by asking what an empty object would lack or hold. */
function knownFields(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const fields = new Set<string>()
  const visit = (node: unknown, rest: readonly PropertyKey[]): void => {
    const definition = (node as { def?: Record<string, unknown> } | undefined)?.def
    if (!definition) return
    if (definition.innerType) visit(definition.innerType, rest)
    else if (Array.isArray(definition.options)) for (const option of definition.options) visit(option, rest)
    else if (definition.shape) {
      const shape = definition.shape as Record<string, unknown>
      if (rest.length === 0) for (const name of Object.keys(shape)) fields.add(name)
      else visit(shape[String(rest[0])], rest.slice(1))
    } else if (definition.element && rest.length > 0) visit(definition.element, rest.slice(1))
    else if (definition.valueType && rest.length > 0) visit(definition.valueType, rest.slice(1))
  }
  visit(schema, path)
  return [...fields]
}

function unknownFields(issue: Issue & { keys: string[] }, schema: z.ZodType): SchemaFault[] {
  const path = issue.path as (string | number)[]
  const known = knownFields(schema, path)
  return issue.keys.map((key) => {
    const guess = nearest(key, known)
    const cure = guess ? `did you mean ${guess}?` : `remove it; there is ${known.slice(0, 12).join(', ')}`
    return { code: 'unknown-field', path: [...path, key], message: `${key} is no field here`, cure }
  })
}

function fromUnion(
  issue: Issue & { errors: Issue[][] },
  options: { value: unknown; schema: z.ZodType },
): SchemaFault[] {
  const { value, schema } = options
  const path = issue.path as (string | number)[]
  const found = describe(valueAt(value, path))
  if (issue.errors.length === 0) {
    const { discriminator = 'type' } = issue as { discriminator?: string }
    const at = path.at(-1) === discriminator ? path : [...path, discriminator]
    const given = valueAt(value, at)
    const known = discriminatorValues(schema, at.slice(0, -1), discriminator)
    const message = given === undefined ? `${discriminator} is missing` : `${describe(given)} is none of the known ones`
    return [
      { code: given === undefined ? 'missing-field' : 'wrong-value', path: at, message, cure: choices(known, given) },
    ]
  }
  const nearestBranch = [...issue.errors].sort((a, b) => a.length - b.length)[0]!
  if (nearestBranch.some(({ path: inner }) => inner.length > 0))
    return nearestBranch.flatMap((inner) =>
      faultsOfIssue({ ...inner, path: [...path, ...inner.path] } as Issue, options),
    )
  const expected = issue.errors
    .flat()
    .map((inner) => faultsOfIssue({ ...inner, path } as Issue, options)[0]?.cure.replace(/^write /, ''))
    .filter((text) => text !== undefined)
  return [
    {
      code: 'wrong-type',
      path,
      message: `${found} does not fit here`,
      cure: `write ${[...new Set(expected)].join(', or ')}`,
    },
  ]
}

function discriminatorValues(schema: z.ZodType, path: readonly PropertyKey[], discriminator: string): string[] {
  const values = new Set<string>()
  const visit = (node: unknown, rest: readonly PropertyKey[]): void => {
    const definition = (node as { def?: Record<string, unknown> } | undefined)?.def
    if (!definition) return
    if (definition.innerType) visit(definition.innerType, rest)
    else if (Array.isArray(definition.options)) for (const option of definition.options) visit(option, rest)
    else if (definition.shape) {
      const shape = definition.shape as Record<string, { def?: { values?: unknown[] } }>
      if (rest.length === 0) for (const value of shape[discriminator]?.def?.values ?? []) values.add(String(value))
      else visit(shape[String(rest[0])], rest.slice(1))
    } else if (definition.element && rest.length > 0) visit(definition.element, rest.slice(1))
  }
  visit(schema, path)
  return [...values]
}

function choices(values: readonly unknown[], given: unknown): string {
  const guess = typeof given === 'string' ? nearest(given, values.map(String)) : undefined
  return guess ? `did you mean ${guess}?` : `write one of ${values.map((value) => String(value)).join(', ')}`
}

/** One issue as one or more faults. */
function faultsOfIssue(issue: Issue, options: { value: unknown; schema: z.ZodType }): SchemaFault[] {
  const path = issue.path as (string | number)[]
  const given = valueAt(options.value, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownFields(issue, options.schema)
    case 'invalid_union':
      return fromUnion(issue as Issue & { errors: Issue[][] }, options)
    case 'invalid_type':
      if (given === undefined)
        return [
          {
            code: 'missing-field',
            path,
            message: `${String(path.at(-1) ?? 'the object')} is missing`,
            cure: `write ${word(issue.expected)}`,
          },
        ]
      return [
        {
          code: 'wrong-type',
          path,
          message: `${describe(given)} does not fit here`,
          cure: `write ${word(issue.expected)}`,
        },
      ]
    case 'invalid_value':
      if (given === undefined)
        return [
          {
            code: 'missing-field',
            path,
            message: `${String(path.at(-1))} is missing`,
            cure: choices(issue.values, undefined),
          },
        ]
      return [
        {
          code: 'wrong-value',
          path,
          message: `${describe(given)} is not allowed here`,
          cure: choices(issue.values, given),
        },
      ]
    case 'too_small':
    case 'too_big': {
      const isSmall = issue.code === 'too_small'
      const limit = isSmall ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
      const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : ''
      return [
        {
          code: 'out-of-range',
          path,
          message: `${describe(given)} is too ${isSmall ? 'small or short' : 'large or long'}`,
          cure: `write ${limit}${unit}`,
        },
      ]
    }
    case 'invalid_format':
      return [
        {
          code: 'wrong-format',
          path,
          message: `${describe(given)} has the wrong form`,
          cure: `write ${issue.message}`,
        },
      ]
    default:
      return [
        {
          code: (issue as { params?: { code?: string } }).params?.code ?? 'invalid',
          path,
          message: issue.message,
          cure: (issue as { params?: { cure?: string } }).params?.cure ?? 'mend this field',
        },
      ]
  }
}

export function schemaFaults(schema: z.ZodType, value: unknown): { faults: SchemaFault[]; value: unknown } {
  const result = schema.safeParse(value)
  if (result.success) return { faults: [], value: result.data }
  return { faults: result.error.issues.flatMap((issue) => faultsOfIssue(issue, { value, schema })), value }
}
