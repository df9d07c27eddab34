/** `weft audit` */
import type { AuditEntry, ChangeEntry, DecisionEntry, FieldChange } from '#/control/audit/audit-entry.ts'
import { systemClock } from '#/std/clock.ts'
import { type Command, CommandError, controlOption, outputOption, type Surroundings } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { type Colors, colorsFor } from '../output/color.ts'
import { printData } from '../output/data.ts'
import { readSince, sinceOption } from '../since.ts'

const kinds: Record<string, readonly AuditEntry['type'][]> = {
  all: ['decision', 'lost', 'change', 'start'],
  decisions: ['decision', 'lost'],
  changes: ['change', 'start'],
}

export const auditCommand: Command = {
  name: 'audit',
  summary: 'show what was refused or audited, by which rule, and what was changed in the configuration',
  details:
    'From the audit log of the control plane, the newest last. Values that could be secret are blackened before they are written.',
  arguments: [],
  options: [
    sinceOption('24h'),
    {
      name: 'only',
      value: 'KIND',
      choices: Object.keys(kinds),
      default: 'all',
      summary: 'decisions about traffic, or changes of the configuration',
    },
    { name: 'limit', value: 'N', default: '200', summary: 'the last N entries, 1 to 10000' },
    outputOption,
    controlOption,
  ],
  examples: [
    { line: 'weft audit --since 1h', does: 'the last hour, for a person' },
    { line: 'weft audit --only decisions --since 7d -o json', does: 'refusals and audits of a week, for a program' },
  ],
  async run(invocation, surroundings) {
    const fromMs = readSince(invocation.option('since')!, systemClock.wallMs())
    const limit = Number(invocation.option('limit'))
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
      throw new CommandError(2, `--limit ${invocation.option('limit')}: expected 1 to 10000`)
    const client = controlClient(invocation, surroundings)
    const newest = await client.get<AuditEntry[]>(`/api/v1/audit?from=${fromMs}`)
    const wanted = kinds[invocation.option('only')!]!
    const entries = newest
      .filter(({ type }) => wanted.includes(type))
      .slice(0, limit)
      .reverse()
    printData(entries, { invocation, surroundings, table: () => describe(entries, surroundings) })
    return 0
  },
}

function describe(entries: readonly AuditEntry[], { output }: Surroundings): string {
  if (entries.length === 0) return 'Nothing was refused, audited or changed in this time.\n'
  const colors = colorsFor(output)
  return entries.map((entry) => `${colors.dim(entry.at.replace(/\.\d+Z$/, 'Z'))}  ${lineOf(entry, colors)}\n`).join('')
}

function lineOf(entry: AuditEntry, colors: Colors): string {
  switch (entry.type) {
    case 'decision':
      return decisionLine(entry, colors)
    case 'change':
      return changeLine(entry, colors)
    case 'lost':
      return `${colors.yellow('lost')}     ${entry.count} decisions of ${entry.node}: there were more than could be read`
    case 'start':
      return `${colors.bold('start')}    the control plane began with ${entry.objects} objects`
  }
}

function decisionLine(entry: DecisionEntry, colors: Colors): string {
  const { verdict, code, rule, principal, caller, address, workload, port, method, path, protocol } = entry
  const who = principal || (caller === '' ? address : `${caller} (${address})`)
  const what = method === '' ? protocol : `${method} ${path}`
  const word = verdict === 'denied' ? colors.red('denied  ') : colors.yellow('audited ')
  return `${word} ${who} > ${workload}:${port} ${what}  ${[code, rule].filter((text) => text !== '').join(': ')}`
}

function changeLine({ change, object, by, generation, fields }: ChangeEntry, colors: Colors): string {
  const head = `${colors.bold(change.padEnd(8))} ${object}  ${by}, generation ${generation}`
  return [head, ...fields.map((field) => `    ${fieldText(field)}`)].join('\n')
}

function fieldText({ path, before, after }: FieldChange): string {
  if (before === undefined && after === undefined) return path
  if (before === undefined) return `${path}: + ${textOf(after)}`
  return after === undefined ? `${path}: - ${textOf(before)}` : `${path}: ${textOf(before)} → ${textOf(after)}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
