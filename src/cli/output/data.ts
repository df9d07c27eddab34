/** Data for programs: JSON or YAML, as `-o` asks. */
import { stringify } from 'yaml'
import type { Invocation, Surroundings } from '../command.ts'

/** Prints `data` as `-o` asks, or what `table` gives. Maps become objects. */
export function printData(
  data: unknown,
  options: { invocation: Invocation; surroundings: Surroundings; table: () => string },
): void {
  const { invocation, surroundings, table } = options
  const format = invocation.option('output') ?? 'table'
  surroundings.output.write(format === 'table' ? table() : formatData(data, format as 'json' | 'yaml'))
}

export function formatData(data: unknown, format: 'json' | 'yaml'): string {
  const plain = plainOf(data)
  return format === 'json' ? `${JSON.stringify(plain, null, 2)}\n` : stringify(plain, { aliasDuplicateObjects: false })
}

function plainOf(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), plainOf(inner)]))
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries.map(([key, inner]) => [key, plainOf(inner)]))
}
