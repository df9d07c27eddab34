/**
 * Settings are rows of a table, one table a program. A small interpreter (`read-settings.ts`) reads them from flags and
 * environment; help texts and `docs/reference/settings.md` are rendered from the same rows.
 */
import type { HostPort } from '#/std/host-port.ts'

interface SettingRow<Type extends string, Value> {
  type: Type
  /** What the value is in when none is given. Absent: the setting must be given. */
  default?: Value
  /** What it does, and why the default is what it is. A sentence or two. */
  reason: string
  /** ms, bytes, requests…; empty for none. */
  unit?: string
}

export type Setting =
  | SettingRow<'text', string>
  | (SettingRow<'integer', number> & { min: number; max: number })
  | (SettingRow<'choice', string> & { choices: readonly string[] })
  | SettingRow<'boolean', boolean>
  | SettingRow<'address', HostPort>
  /** May be given several times; in the environment separated by commas. */
  | SettingRow<'addresses', readonly HostPort[]>

/** Keys are the names of the settings, in camel case with the unit last: `connectTimeoutMs`. */
export type SettingTable = Readonly<Record<string, Setting>>

type ValueOf<Row extends Setting> = Row extends { type: 'integer' }
  ? number
  : Row extends { type: 'boolean' }
    ? boolean
    : Row extends { type: 'address' }
      ? HostPort
      : Row extends { type: 'addresses' }
        ? readonly HostPort[]
        : Row extends { choices: readonly (infer Choice)[] }
          ? Choice
          : string

export type SettingValues<Table extends SettingTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> }

/** `connectTimeoutMs` is given as `--connect-timeout-ms`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** `connectTimeoutMs` is read from `WEFT_CONNECT_TIMEOUT_MS`. */
export function environmentNameOf(name: string): string {
  return `WEFT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** What a value must look like, for messages and docs. */
export function describeValue(setting: Setting): string {
  switch (setting.type) {
    case 'text':
      return 'text'
    case 'integer':
      return `a whole number from ${setting.min} to ${setting.max}${setting.unit ? ` (${setting.unit})` : ''}`
    case 'choice':
      return setting.choices.join(' or ')
    case 'boolean':
      return 'true or false'
    case 'address':
    case 'addresses':
      return 'HOST:PORT'
  }
}

export function formatDefault(setting: Setting): string {
  const value = setting.default
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((one) => `${one.host}:${one.port}`).join(',')
  if (typeof value === 'object') return `${(value as HostPort).host}:${(value as HostPort).port}`
  return String(value)
}
