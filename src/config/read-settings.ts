/** Reads a table of settings: flags over environment over defaults. Every fault is told, not only the first. */
import { parseHostPort } from '#/std/host-port.ts'
import type { Setting, SettingTable, SettingValues } from './setting.ts'
import { describeValue, environmentNameOf, flagOf } from './setting.ts'

export type ReadSettings<Table extends SettingTable> =
  | { ok: true; values: SettingValues<Table> }
  /** Sentences that name the flag and what was expected. */
  | { ok: false; faults: string[] }

interface Source {
  arguments: readonly string[]
  environment: Readonly<Record<string, string | undefined>>
}

/** Flags are written `--name value` or `--name=value`; a boolean may stand alone. */
export function readSettings<Table extends SettingTable>(table: Table, source: Source): ReadSettings<Table> {
  const faults: string[] = []
  const given = readFlags(table, source.arguments, faults)
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(table)) {
    const fromEnvironment = source.environment[environmentNameOf(name)]
    const texts = given.get(name) ?? (fromEnvironment ? [fromEnvironment] : undefined)
    const origin = given.has(name) ? flagOf(name) : environmentNameOf(name)
    if (texts === undefined) {
      if (setting.default === undefined) faults.push(`${flagOf(name)} is missing: expected ${describeValue(setting)}`)
      values[name] = setting.default
      continue
    }
    const value = readValue(setting, texts)
    if (value === undefined) faults.push(`${origin} ${texts.join(' ')}: expected ${describeValue(setting)}`)
    values[name] = value
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, values: values as SettingValues<Table> }
}

function readFlags(table: SettingTable, given: readonly string[], faults: string[]): Map<string, string[]> {
  const names = new Map(Object.keys(table).map((name) => [flagOf(name), name]))
  const found = new Map<string, string[]>()
  for (let i = 0; i < given.length; i++) {
    const [flag = '', inline] = splitOnce(given[i]!)
    const name = names.get(flag)
    if (name === undefined) {
      faults.push(`${flag} is no setting${closest(flag, [...names.keys()])}`)
      // The value of an unknown flag is not a further fault.
      if (inline === undefined && given[i + 1] !== undefined && !given[i + 1]!.startsWith('--')) i++
      continue
    }
    let text = inline
    if (text === undefined && table[name]!.type === 'boolean' && !/^(true|false)$/.test(given[i + 1] ?? ''))
      text = 'true'
    if (text === undefined) text = given[++i]
    if (text === undefined) faults.push(`${flag} needs a value: ${describeValue(table[name]!)}`)
    else found.set(name, [...(table[name]!.type === 'addresses' ? (found.get(name) ?? []) : []), text])
  }
  return found
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function closest(flag: string, flags: readonly string[]): string {
  const near = flags.find((one) => one.startsWith(flag) || flag.startsWith(one) || editDistance(one, flag) <= 2)
  return near ? `; did you mean ${near}?` : ''
}

/** Levenshtein, for a handful of short words. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    previous = row
  }
  return previous[b.length]!
}

function readValue(setting: Setting, texts: readonly string[]): unknown {
  const text = texts[texts.length - 1]!
  switch (setting.type) {
    case 'text':
      return text
    case 'integer': {
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      return number >= setting.min && number <= setting.max ? number : undefined
    }
    case 'choice':
      return setting.choices.includes(text) ? text : undefined
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    case 'address':
      // Port 0 lets the system choose, which tests use.
      return text.endsWith(':0') ? { host: text.slice(0, -2), port: 0 } : parseHostPort(text)
    case 'addresses': {
      const addresses = texts.flatMap((one) => one.split(',')).map((one) => parseHostPort(one.trim()))
      return addresses.includes(undefined) ? undefined : addresses
    }
  }
}
