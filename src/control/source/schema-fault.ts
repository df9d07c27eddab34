/** What a schema says of an object, in the words of a person: what is wrong, what was expected, what to do. */
import type { z } from 'zod'
import type { FaultCodeName } from '#/api/fault-codes.ts'
import type { RuleFault } from '#/api/rule-check.ts'
import { discriminatorValues, fieldsOf, schemaAt } from './schema-walk.ts'
import { nearest } from './suggestion.ts'

type Issue = z.core.$ZodIssue
type Path = (string | number)[]

interface Context {
  value: unknown
  schema: z.ZodType
}

/** @returns the faults, and the value as the schema passed it on when there are none. */
export function schemaFaults(schema: z.ZodType, value: unknown): { faults: RuleFault[]; value: unknown } {
  const result = schema.safeParse(value)
  if (result.success) return { faults: [], value: result.data }
  return { faults: result.error.issues.flatMap((issue) => faultsOf(issue, { value, schema })), value }
}

/** One issue as one or more faults. */
function faultsOf(issue: Issue, context: Context): RuleFault[] {
  const path = issue.path as Path
  const given = valueAt(context.value, path)
  const one = (code: FaultCodeName, message: string, cure: string): RuleFault[] => [{ code, path, message, cure }]
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownFields(issue.keys, path, context)
    case 'invalid_union':
      return unionFaults(issue, path, context)
    case 'invalid_type':
      if (given === undefined) return missing(path, `write ${word(issue.expected)}`)
      return one('wrong-type', `${describe(given)} does not fit here`, typeCure(issue.expected, given))
    case 'invalid_value':
      if (given === undefined) return missing(path, choices(issue.values, undefined))
      return one('wrong-value', `${describe(given)} is not allowed here`, choices(issue.values, given))
    case 'too_small':
    case 'too_big':
      return one('out-of-range', ...rangeWords(issue, given))
    case 'invalid_format':
      return one('wrong-format', `${describe(given)} has the wrong form`, `write ${issue.message}`)
    case 'invalid_key':
      return one(
        'wrong-format',
        `${JSON.stringify(path.at(-1))} is no name for an entry here`,
        `write ${issue.issues[0]?.message ?? 'another name'}`,
      )
    default:
      return one('invalid', issue.message, 'mend this field')
  }
}

function missing(path: Path, cure: string): RuleFault[] {
  return [{ code: 'missing-field', path, message: `${String(path.at(-1) ?? 'the object')} is missing`, cure }]
}

function unknownFields(keys: readonly string[], path: Path, context: Context): RuleFault[] {
  const at = schemaAt(context.schema, path)
  const branch = at && chosenBranch(at, valueAt(context.value, path))
  const names = branch ?? (at ? fieldsOf(at).names : [])
  return keys.map((key) => {
    const guess = nearest(key, names)
    const shown = names.slice(0, 12).join(', ')
    const cure = guess ? `did you mean ${guess}?` : `remove it; there is ${shown}${names.length > 12 ? ', …' : ''}`
    return { code: 'unknown-field', path: [...path, key], message: `${key} is no field here`, cure }
  })
}

/** Of a union that `type` tells apart: the fields of the branch that was chosen, so that no other's are suggested. */
function chosenBranch(schema: z.ZodType, value: unknown): string[] | undefined {
  const { type } = (value ?? {}) as { type?: unknown }
  const { def } = schema as unknown as { def: { options?: readonly z.ZodType[] } }
  const chosen = def.options?.find((option) => discriminatorValues(option, 'type').includes(String(type)))
  return chosen && fieldsOf(chosen).names
}

function unionFaults(issue: z.core.$ZodIssueInvalidUnion, path: Path, context: Context): RuleFault[] {
  if (issue.errors.length === 0) return discriminatorFault(issue.discriminator ?? 'type', path, context)
  const inner = [...issue.errors].sort((a, b) => a.length - b.length)[0]!
  if (inner.some((each) => each.path.length > 0))
    return inner.flatMap((each) => faultsOf({ ...each, path: [...path, ...each.path] }, context))
  const given = valueAt(context.value, path)
  if (given === undefined) return missing(path, 'write a value')
  // A branch for the type that was given says more than the others: text for a port is a name that has the wrong form.
  const fitting = issue.errors.filter((branch) => branch.every(({ code }) => code !== 'invalid_type'))
  if (fitting.length === 1) return fitting[0]!.flatMap((each) => faultsOf({ ...each, path }, context))
  const cures = issue.errors
    .flat()
    .flatMap((each) => faultsOf({ ...each, path }, context))
    .map(({ cure }) => cure.replace(/^write /, ''))
  const cure = `write ${[...new Set(cures)].join(', or ')}`
  return [{ code: 'wrong-type', path, message: `${describe(given)} does not fit here`, cure }]
}

function discriminatorFault(field: string, path: Path, context: Context): RuleFault[] {
  const parent = path.at(-1) === field ? path.slice(0, -1) : path
  const at = [...parent, field]
  const given = valueAt(context.value, at)
  const holder = valueAt(context.value, parent)
  if (typeof holder !== 'object' || holder === null || Array.isArray(holder))
    return [
      {
        code: 'wrong-type',
        path: parent,
        message: `${describe(holder)} does not fit here`,
        cure: 'write a map of fields',
      },
    ]
  const schema = schemaAt(context.schema, parent)
  const known = schema ? discriminatorValues(schema, field) : []
  if (given === undefined) return missing(at, choices(known, undefined))
  const message = `${describe(given)} is none of the known ones`
  return [{ code: 'wrong-value', path: at, message, cure: choices(known, given) }]
}

function rangeWords(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  given: unknown,
): [message: string, cure: string] {
  const isSmall = issue.code === 'too_small'
  const limit = Number(isSmall ? issue.minimum : issue.maximum)
  const bound = `${isSmall ? 'at least' : 'at most'} ${limit}`
  const size = isSmall ? 'few' : 'many'
  switch (issue.origin) {
    case 'string':
      if (given === '') return ['the text is empty', `write ${bound} ${limit === 1 ? 'character' : 'characters'}`]
      return [`${describe(given)} is too ${isSmall ? 'short' : 'long'}`, `write ${bound} characters`]
    case 'array':
      return [`the list has too ${size} entries`, `write ${bound} ${limit === 1 ? 'entry' : 'entries'}`]
    default:
      return [`${describe(given)} is too ${isSmall ? 'small' : 'large'}`, `write ${bound}`]
  }
}

const typeWords: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list, each entry with a dash in front',
  object: 'a map of fields',
  record: 'a map of fields',
}
const word = (type: string): string => typeWords[type] ?? type

function typeCure(expected: string, given: unknown): string {
  if (expected === 'string' && typeof given === 'boolean')
    return 'write text in quotes; YAML reads a bare yes, no, on, off as true or false'
  if (expected === 'string' && typeof given === 'number') return `write text in quotes: "${given}"`
  return `write ${word(expected)}`
}

function describe(value: unknown): string {
  if (value === null) return 'nothing (null)'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of fields'
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const step of path)
    at = at === null || typeof at !== 'object' ? undefined : (at as Record<PropertyKey, unknown>)[step]
  return at
}

function choices(values: readonly unknown[], given: unknown): string {
  const guess = typeof given === 'string' ? nearest(given, values.map(String)) : undefined
  return guess ? `did you mean ${guess}?` : `write one of ${values.map(String).join(', ')}`
}
