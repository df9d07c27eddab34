/** `weft proxy status` */
import type { ProxyReport, ProxyTypeReport } from '#/control/api/control-state.ts'
import { type Command, controlOption, outputOption, type Surroundings } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { type Colors, colorsFor } from '../output/color.ts'
import { printData } from '../output/data.ts'
import { formatTable } from '../output/table.ts'
import { proxiesNamed } from '../proxy-report.ts'

type Kind = keyof ProxyReport['types']

export const proxyStatusCommand: Command = {
  name: 'proxy status',
  summary: 'show each proxy: connected, what it acknowledged, what it rejected and why',
  details:
    'Numbers are resources acknowledged in their present version, of those sent. The exit code is 1 when a proxy stands by a rejection.',
  arguments: [
    {
      name: 'name',
      summary: 'one proxy: its pod, its workload, or POD.NAMESPACE',
      isOptional: true,
      completes: 'proxy',
    },
  ],
  options: [outputOption, controlOption],
  examples: [
    { line: 'weft proxy status', does: 'all proxies of the mesh' },
    { line: 'weft proxy status reviews-v1 -o json', does: 'the proxies of one workload, for a program' },
  ],
  async run(invocation, surroundings) {
    const all = await controlClient(invocation, surroundings).get<ProxyReport[]>('/api/v1/proxies')
    const name = invocation.argument('name')
    const reports = (name ? proxiesNamed(all, name) : all).sort((a, b) => (a.node < b.node ? -1 : 1))
    printData(reports, { invocation, surroundings, table: () => describe(reports, surroundings) })
    return reports.some((report) => rejections(report).length > 0) ? 1 : 0
  },
}

function describe(reports: readonly ProxyReport[], { output }: Surroundings): string {
  if (reports.length === 0) return 'No proxy has connected yet.\n'
  const colors = colorsFor(output)
  const columns = [
    { title: 'PROXY', cell: ({ node }: ProxyReport) => node },
    {
      title: 'AGENT',
      cell: ({ userAgent, userAgentVersion }: ProxyReport) => `${userAgent} ${userAgentVersion}`.trim(),
    },
    { title: 'STATE', cell: (report: ProxyReport) => stateOf(report, colors) },
    { title: 'SINCE', cell: ({ since }: ProxyReport) => since.replace(/\.\d+Z$/, 'Z') },
    ...(
      [
        ['LISTENERS', 'listener'],
        ['ROUTES', 'route'],
        ['CLUSTERS', 'cluster'],
        ['ENDPOINTS', 'assignment'],
      ] as const
    ).map(([title, kind]) => ({ title, isRight: true, cell: (report: ProxyReport) => countOf(report, kind) })),
  ]
  const table = formatTable(columns, reports, colors.bold)
  const words = reports.flatMap((report) =>
    rejections(report).map(
      ([kind, { at, message }]) =>
        `\n${colors.red('rejected')} by ${colors.bold(report.node)} (${kind}, ${at}):\n  ${message.trim().replaceAll('\n', '\n  ')}\n`,
    ),
  )
  return table + words.join('')
}

function stateOf(report: ProxyReport, colors: Colors): string {
  if (rejections(report).length > 0) return colors.red('rejects')
  if (!report.isConnected) return colors.yellow('away')
  return report.isSynced ? colors.green('in force') : colors.yellow('pending')
}

function countOf(report: ProxyReport, kind: Kind): string {
  const type = report.types[kind]
  return type ? `${type.acknowledged}/${type.sent}` : '-'
}

function rejections(report: ProxyReport): [string, NonNullable<ProxyTypeReport['rejected']>][] {
  return Object.entries(report.types).flatMap(([kind, { rejected }]) =>
    rejected ? [[kind, rejected] as const] : [],
  ) as [string, NonNullable<ProxyTypeReport['rejected']>][]
}
