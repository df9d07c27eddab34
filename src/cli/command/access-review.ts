/** `weft access review` */
import type { MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { systemClock } from '#/std/clock.ts'
import { type Command, controlOption, type Surroundings } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { colorsFor } from '../output/color.ts'
import { formatCsv } from '../output/csv.ts'
import { printData } from '../output/data.ts'
import { formatTable } from '../output/table.ts'
import { formatAgo, formatSpan, readSince, sinceOption } from '../since.ts'
import { type AccessRow, type AccessUse, reviewAccess } from './access-review-report.ts'
import { trustDomainOf } from './access-trust-domain.ts'

export const accessReviewCommand: Command = {
  name: 'access review',
  summary: 'show who can reach what, who did, and which rights nobody has used',
  details:
    'A line for each right that the AccessPolicies in force give, with how often it was used; where no policy limits a port it is open. What was tried and refused is there as well. The exit code is 1 when a right is unused.',
  arguments: [],
  options: [
    sinceOption('30d'),
    { name: 'namespace', short: 'n', value: 'NAME', summary: 'only what workloads of this namespace are asked for' },
    { name: 'unused', summary: 'only rights that nobody has used' },
    {
      name: 'output',
      short: 'o',
      value: 'FORMAT',
      choices: ['table', 'csv', 'json', 'yaml'],
      default: 'table',
      summary: 'a table for people, CSV for spreadsheets, or JSON or YAML for programs',
    },
    controlOption,
  ],
  examples: [
    { line: 'weft access review', does: 'every right in the mesh, and its use in 30 days' },
    { line: 'weft access review -n shop --unused', does: 'rights that could be taken away' },
    { line: 'weft access review -o csv', does: 'the same for an auditor' },
  ],
  async run(invocation, surroundings) {
    const client = controlClient(invocation, surroundings)
    const fromMs = readSince(invocation.option('since')!, systemClock.wallMs())
    const traffic = await client.get<MeshTraffic>(`/api/v1/traffic?from=${fromMs}`)
    const { workloads } = await client.get<{ workloads: Workload[] }>('/api/v1/mesh')
    const namespace = invocation.option('namespace')
    const rows = reviewAccess({ workloads, traffic, trustDomain: await trustDomainOf(client, traffic) }).filter(
      ({ workload, use }) =>
        (!namespace || workload.startsWith(`${namespace}/`)) && (!invocation.has('unused') || use === 'unused'),
    )
    if (invocation.option('output') === 'csv') surroundings.output.write(csvOf(rows))
    else
      printData(
        { from: isoOf(Math.max(fromMs, traffic.sinceMs)), to: isoOf(traffic.nowMs), rights: rows.map(dataOf) },
        { invocation, surroundings, table: () => describe(rows, traffic, surroundings) },
      )
    return rows.some(({ use }) => use === 'unused') ? 1 : 0
  },
}

function isoOf(ms: number): string {
  return ms === 0 ? '' : new Date(ms).toISOString()
}

function dataOf({ lastMs, ...row }: AccessRow): object {
  return { ...row, last: isoOf(lastMs) }
}

function csvOf(rows: readonly AccessRow[]): string {
  return formatCsv(
    ['caller', 'workload', 'port', 'what', 'rule', 'use', 'count', 'last'],
    rows.map(({ caller, workload, port, what, rule, use, count, lastMs }) => [
      caller,
      workload,
      port,
      what,
      rule,
      use,
      count,
      isoOf(lastMs),
    ]),
  )
}

const useColors = {
  used: 'green',
  unused: 'yellow',
  open: 'yellow',
  denied: 'dim',
  refused: 'red',
  withdrawn: 'red',
} as const

function describe(
  rows: readonly AccessRow[],
  { fromMs, sinceMs, nowMs }: MeshTraffic,
  { output }: Surroundings,
): string {
  if (rows.length === 0) return 'No rights to show.\n'
  const colors = colorsFor(output)
  const columns = [
    { title: 'CALLER', cell: ({ caller }: AccessRow) => caller },
    { title: 'WORKLOAD', cell: ({ workload, port }: AccessRow) => `${workload}:${port}` },
    { title: 'USE', cell: ({ use }: AccessRow) => colors[useColors[use]](use) },
    { title: 'TIMES', isRight: true, cell: ({ count }: AccessRow) => String(count) },
    { title: 'LAST', cell: ({ lastMs }: AccessRow) => (lastMs === 0 ? '' : formatAgo(lastMs, nowMs)) },
    { title: 'RULE', cell: ({ rule }: AccessRow) => rule || '-' },
    { title: 'WHAT', cell: ({ what }: AccessRow) => what },
  ]
  const isShort = sinceMs > fromMs
  const span = formatSpan(nowMs - Math.max(fromMs, sinceMs)) || '1 s'
  const head = `Rights now, and their use within ${span}${isShort ? ': older traffic is not known' : ''}.\n\n`
  return `${head}${formatTable(columns, rows, colors.bold)}\n${summaryOf(rows)}\n`
}

function summaryOf(rows: readonly AccessRow[]): string {
  const count = (use: AccessUse): number => rows.filter((row) => row.use === use).length
  const parts = (['used', 'unused', 'open', 'denied', 'refused', 'withdrawn'] as const)
    .filter((use) => count(use) > 0)
    .map((use) => `${count(use)} ${use}`)
  return parts.join(', ')
}
