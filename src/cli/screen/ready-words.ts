/** What a terminal shows when the mesh is up: every workload with its addresses, what to open, what to try. */
import type { Entrance, SampleCall, WorkloadReport } from '#/up/mesh-event.ts'
import type { Colors } from '../output/color.ts'
import { type Column, formatTable } from '../output/table.ts'

type Row = Omit<WorkloadReport, 'isReady'> & { isReady?: boolean }

const short = (url: string | null): string => url?.replace(/^http:\/\//, '') ?? '-'

export function workloadTable(rows: readonly Row[], colors: Colors): string {
  const hasNamespaces = new Set(rows.map(({ namespace }) => namespace)).size > 1
  const columns: Column<Row>[] = [
    { title: 'NAMESPACE', cell: ({ namespace }) => (hasNamespaces ? namespace : '') },
    { title: 'WORKLOAD', cell: ({ name }) => name },
    { title: 'REPLICA', cell: ({ pod }) => pod },
    { title: 'APPLICATION', cell: ({ app }) => short(app) },
    { title: 'INBOUND', cell: ({ inbound }) => short(inbound) },
    { title: 'OUTBOUND', cell: ({ outbound }) => short(outbound) },
    { title: 'ADMIN', cell: ({ admin }) => short(admin) },
    { title: 'PID', isRight: true, cell: ({ pids }) => String(pids.app ?? '-') },
    { title: 'READY', cell: ({ isReady = true }) => (isReady ? colors.green('yes') : colors.yellow('no')) },
  ]
  return formatTable(columns, [...rows].sort(byName), colors.dim)
}

function byName(a: Row, b: Row): number {
  const [one, other] = [`${a.namespace}/${a.name}/${a.pod}`, `${b.namespace}/${b.name}/${b.pod}`]
  return one < other ? -1 : 1
}

export function hintWords(options: {
  entrances: readonly Entrance[]
  call: SampleCall | undefined
  /** A workload whose configuration is worth a look. */
  workload: string | undefined
  api: string
  /** How the command line was called: `weft`, `./weft`. */
  program: string
  colors: Colors
}): string {
  const { entrances, call, workload, api, program, colors } = options
  const opens = [...entrances.map(({ service, url }) => [service, url]), ['control plane API', `${api}/api/v1/proxies`]]
  const width = Math.max(...opens.map(([name]) => name!.length))
  const openLines = opens.map(([name, url]) => `  ${name!.padEnd(width)}  ${colors.cyan(url!)}`)
  const tries = [
    `${program} proxy status`,
    ...(workload ? [`${program} proxy config ${workload} --type route`] : []),
    ...(call ? [`curl -x ${call.proxy} ${call.url}`] : []),
  ]
  return [
    `\n${colors.bold('Open')}`,
    ...openLines,
    `\n${colors.bold('Try')}`,
    ...tries.map((line) => `  ${line}`),
    `\n${colors.dim('Save a YAML file and it is in force. Ctrl-C ends it all.')}\n`,
  ]
    .map((line) => `${line}\n`)
    .join('')
}
