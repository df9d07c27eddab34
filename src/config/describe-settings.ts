/** A table of settings as text: the help of a program, and rows for the reference page. */
import type { SettingTable } from './setting.ts'
import { describeValue, environmentNameOf, flagOf, formatDefault } from './setting.ts'

/** For `--help`: one setting two lines. */
export function helpText(program: string, table: SettingTable): string {
  const lines = Object.entries(table).map(([name, setting]) => {
    const preset = setting.default === undefined ? 'required' : `default ${formatDefault(setting) || 'none'}`
    return `  ${flagOf(name)} (${describeValue(setting)}; ${preset})\n      ${setting.reason}`
  })
  return `${program}\n\nSettings are flags, or environment variables named like ${environmentNameOf('adminPort')}.\n\n${lines.join('\n')}\n`
}

/** Cells for `docs/reference/settings.md`: flag, environment, value, default, why. */
export function settingRows(table: SettingTable): string[][] {
  return Object.entries(table).map(([name, setting]) => [
    `\`${flagOf(name)}\``,
    `\`${environmentNameOf(name)}\``,
    describeValue(setting),
    setting.default === undefined ? 'required' : `\`${formatDefault(setting)}\``,
    setting.reason,
  ])
}
