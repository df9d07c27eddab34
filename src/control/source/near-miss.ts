/**
 * Fields that pass unread (a pod spec has many) and are spelt like one that Weft reads: `serviceAcountName` would otherwise
 * mean nothing, without a word.
 */
import type { z } from 'zod'
import type { RuleFault } from '#/api/rule-check.ts'
import { childSchema, fieldsOf } from './schema-walk.ts'
import { nearest } from './suggestion.ts'

/** Kubernetes' own fields that are near a read one. */
const known = new Set([
  'envFrom',
  'hostname',
  'hostPort',
  'serviceAccount',
  'subdomain',
  'startupProbe',
  'livenessProbe',
])

export function nearMisses(schema: z.ZodType, value: unknown): RuleFault[] {
  const faults: RuleFault[] = []
  visit(schema, value, [], faults)
  return faults
}

function visit(schema: z.ZodType, value: unknown, path: (string | number)[], faults: RuleFault[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      const child = childSchema(schema, index)
      if (child) visit(child, item, [...path, index], faults)
    })
    return
  }
  const { names, isLoose } = fieldsOf(schema)
  for (const [name, field] of Object.entries(value)) {
    const child = childSchema(schema, name)
    if (child) visit(child, field, [...path, name], faults)
    if (!isLoose || names.includes(name) || known.has(name)) continue
    const guess = nearest(
      name,
      names.filter((one) => !(one in value)),
    )
    if (guess && guess.length > 3)
      faults.push({
        code: 'near-miss',
        path: [...path, name],
        message: `nothing reads the field ${name}`,
        cure: `did you mean ${guess}?`,
      })
  }
}
