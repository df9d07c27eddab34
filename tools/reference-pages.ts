/** One function a reference page, each rendering a table that the code runs on. */
import { faultCodes } from '#/api/fault-codes.ts'
import { commands } from '#/cli/commands.ts'
import { settingRows } from '#/config/describe-settings.ts'
import { proxySettings } from '#/config/proxy-settings.ts'
import type { SettingTable } from '#/config/setting.ts'
import { upSettings } from '#/config/up-settings.ts'
import { errorCodes } from '#/std/errors.ts'

/** A Markdown table; cells may hold anything but newlines. */
export function markdownTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([name, code]) => [
    `\`${name}\``,
    code.status,
    code.grpc,
    `\`${code.flag}\``,
    code.isUnsent ? 'yes' : 'no',
    code.meaning,
    code.cure,
  ])
  return `# Error codes

When the proxy itself answers a request, or an answer breaks off, the cause has one of these codes. It stands in the
\`weft-detail\` header (for callers inside the mesh), in the access log (\`response_code_details\`) and, as Envoy's short
flag, in the metrics. *Unsent* means that no byte of the request reached the application, so sending it again is safe.

${markdownTable(['code', 'HTTP', 'gRPC', 'flag', 'unsent', 'meaning', 'cure'], rows)}`
}

function faultsPage(): string {
  const rows = Object.entries(faultCodes).map(([code, { meaning, effect }]) => [`\`${code}\``, meaning, effect])
  return `# Faults in configuration

What \`weft lint\`, \`weft up\` and the control plane say of wrong YAML. Every fault also names file, line, field, and a cure
for its own case.

${markdownTable(['code', 'meaning', 'what becomes of the object'], rows)}`
}

function settingsPage(): string {
  const table = (settings: SettingTable): string =>
    markdownTable(['flag', 'environment', 'value', 'default', 'why'], settingRows(settings))
  return `# Settings

A flag wins over the environment, the environment over the default. A wrong value ends the program with exit code 2 and says
what was expected.

## The sidecar (\`src/main/proxy.ts\`)

${table(proxySettings)}

## \`weft up\`

${table(upSettings)}`
}

function commandsPage(): string {
  const parts = commands.map(({ name, summary, examples }) => {
    const lines = examples.map((example) => `${example.line}${example.does ? `   # ${example.does}` : ''}`).join('\n')
    return `## \`weft ${name}\`\n\n${summary}\n\n\`\`\`\n${lines}\n\`\`\``
  })
  return `# Commands

From a checkout the command is \`./weft\`. Each has \`--help\` with all its options.

${parts.join('\n\n')}`
}

export const pages: Record<string, () => string> = {
  commands: commandsPage,
  errors: errorsPage,
  faults: faultsPage,
  settings: settingsPage,
}
