/** What two versions of an object differ in, field by field, without what could be secret. */
import type { FieldChange } from './audit-entry.ts'

/** Of one object; who changes more has replaced it. */
const changesMax = 50
/** Of a value, characters of JSON. */
const valueLengthMax = 500
const blackened = '[redacted]'
const secretName =
  /(password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|credential|authorization|cookie)s?$/i
/** Values of environment variables, and whole contents of ConfigMaps and Secrets. */
const secretPath = /(\.env\[\d+\]\.value|^(string)?data\..*|^binaryData\..*|last-applied-configuration.*)$/i
/** Written by machines. */
const ignored = new Set(['status', 'metadata.managedFields', 'metadata.resourceVersion', 'metadata.generation'])

/** @param before undefined: created. @param after undefined: deleted. */
export function diffObjects(before: unknown, after: unknown): FieldChange[] {
  const changes: FieldChange[] = []
  walk('', { before, after }, changes)
  if (changes.length <= changesMax) return changes
  const more = { path: `… and ${changes.length - changesMax + 1} more fields` }
  return [...changes.slice(0, changesMax - 1), more]
}

function walk(path: string, { before, after }: Omit<FieldChange, 'path'>, changes: FieldChange[]): void {
  if (before === after || ignored.has(path)) return
  if (isRecord(before) && isRecord(after)) {
    const isSecret = hasSecretName(before) || hasSecretName(after)
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const inner = path === '' ? key : `${path}.${key}`
      if (!isSecret || key !== 'value') walk(inner, { before: before[key], after: after[key] }, changes)
      else if (before[key] !== after[key]) changes.push({ path: inner, before: blackened, after: blackened })
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++)
      walk(`${path}[${i}]`, { before: before[i], after: after[i] }, changes)
  } else if (path === '') {
    // The whole object came or went: its parts are the changes.
    const whole = before ?? after
    for (const [key, value] of Object.entries(isRecord(whole) ? whole : {}))
      if (key === 'spec' || key === 'data')
        changes.push({
          path: key,
          ...(before === undefined ? { after: show(key, value) } : { before: show(key, value) }),
        })
  } else {
    changes.push({
      path,
      ...(before === undefined ? {} : { before: show(path, before) }),
      ...(after === undefined ? {} : { after: show(path, after) }),
    })
  }
}

function show(path: string, value: unknown): unknown {
  const clean = blacken(path, value)
  const text = JSON.stringify(clean) ?? ''
  return text.length > valueLengthMax ? `${text.slice(0, valueLengthMax)}…` : clean
}

function blacken(path: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((inner, i) => blacken(`${path}[${i}]`, inner))
  if (isRecord(value)) {
    const named = hasSecretName(value)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        named && key === 'value' ? blackened : blacken(path === '' ? key : `${path}.${key}`, inner),
      ]),
    )
  }
  const isSecret = secretPath.test(path) || secretName.test(path.replace(/\[\d+\]$/, ''))
  return isSecret && typeof value === 'string' ? blackened : value
}

/** `{name: Authorization, value: …}` */
function hasSecretName({ name }: Record<string, unknown>): boolean {
  return typeof name === 'string' && secretName.test(name)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
