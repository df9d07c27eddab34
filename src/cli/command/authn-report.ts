/** `weft authn report` */

import { type PortReadiness, type StrictVerdict, strictReadiness } from '#/control/traffic/strict-readiness.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { systemClock } from '#/std/clock.ts'
import { type Command, controlOption, outputOption, type Surroundings } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { type Colors, colorsFor } from '../output/color.ts'
import { printData } from '../output/data.ts'
import { formatTable } from '../output/table.ts'
import { formatAgo, formatSpan, readSince, sinceOption } from '../since.ts'

export const authnReportCommand: Command = {
  name: 'authn report',
  summary: 'show who still speaks plaintext to whom, and which ports can go Strict',
  details:
    'From traffic that the sidecars have seen, a line for each port of each workload. The exit code is 1 when going Strict would turn somebody away, or when a sidecar could not be asked.',
  arguments: [],
  options: [
    sinceOption('24h'),
    { name: 'namespace', short: 'n', value: 'NAME', summary: 'only workloads of this namespace' },
    outputOption,
    controlOption,
  ],
  examples: [
    { line: 'weft authn report', does: 'all ports of the mesh, by what was seen in the last day' },
    { line: 'weft authn report -n shop --since 7d', does: 'one namespace, by a week of traffic' },
    { line: 'weft authn report -o json', does: 'the same for a program, with every caller' },
  ],
  async run(invocation, surroundings) {
    const client = controlClient(invocation, surroundings)
    const fromMs = readSince(invocation.option('since')!, systemClock.wallMs())
    const traffic = await client.get<MeshTraffic>(`/api/v1/traffic?from=${fromMs}`)
    const { workloads } = await client.get<{ workloads: Workload[] }>('/api/v1/mesh')
    const namespace = invocation.option('namespace')
    const ports = strictReadiness(workloads, traffic).filter((port) => !namespace || port.namespace === namespace)
    const { nowMs, sinceMs } = traffic
    printData(
      { from: isoOf(Math.max(fromMs, sinceMs)), to: isoOf(nowMs), ports },
      { invocation, surroundings, table: () => describe(ports, traffic, surroundings) },
    )
    return ports.some(({ verdict }) => verdict === 'plaintext' || verdict === 'unseen') ? 1 : 0
  },
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

const words: Record<StrictVerdict, [text: string, color: 'green' | 'red' | 'yellow']> = {
  strict: ['is Strict', 'green'],
  safe: ['safe', 'green'],
  plaintext: ['not yet', 'red'],
  quiet: ['unknown', 'yellow'],
  unseen: ['unknown', 'yellow'],
  unable: ["can't", 'yellow'],
  disabled: ["can't", 'yellow'],
}

function describe(ports: readonly PortReadiness[], traffic: MeshTraffic, { output }: Surroundings): string {
  if (ports.length === 0) return 'No workload with a sidecar takes connections here.\n'
  const colors = colorsFor(output)
  const columns = [
    { title: 'WORKLOAD', cell: ({ namespace, workload }: PortReadiness) => `${namespace}/${workload}` },
    { title: 'PORT', isRight: true, cell: ({ port }: PortReadiness) => String(port) },
    { title: 'MODE', cell: ({ mode }: PortReadiness) => mode },
    { title: 'MUTUAL TLS', isRight: true, cell: ({ mutualTls }: PortReadiness) => String(mutualTls) },
    { title: 'PLAINTEXT', isRight: true, cell: ({ plaintext }: PortReadiness) => String(plaintext) },
    { title: 'STRICT', cell: ({ verdict }: PortReadiness) => colors[words[verdict][1]](words[verdict][0]) },
    { title: 'WHY', cell: ({ why }: PortReadiness) => why },
  ]
  return [
    `${coverage(traffic)}\n\n`,
    formatTable(columns, ports, colors.bold),
    callersText(ports, traffic.nowMs, colors),
    conclusion(ports, colors),
  ].join('')
}

/** For how long it was looked, which may be less than was asked for. */
function coverage({ fromMs, sinceMs, nowMs }: MeshTraffic): string {
  const asked = formatSpan(nowMs - fromMs)
  if (sinceMs <= fromMs) return `Traffic of the last ${asked}.`
  const seen = formatSpan(nowMs - sinceMs) || '1 s'
  return `Traffic of the last ${seen}: there is none older. What happens less often than that has not been seen.`
}

function callersText(ports: readonly PortReadiness[], nowMs: number, colors: Colors): string {
  const rows = ports.flatMap((port) => port.callers.map((caller) => ({ ...port, ...caller })))
  if (rows.length === 0) return ''
  type Row = (typeof rows)[number]
  const columns = [
    { title: 'CALLER', cell: ({ who }: Row) => who },
    { title: 'CALLS', cell: ({ namespace, workload, port }: Row) => `${namespace}/${workload}:${port}` },
    { title: 'BY', cell: ({ security }: Row) => (security === 'tls' ? 'TLS of its own' : 'plaintext') },
    { title: 'TIMES', isRight: true, cell: ({ count }: Row) => String(count) },
    { title: 'LAST', cell: ({ lastMs }: Row) => formatAgo(lastMs, nowMs) },
    { title: '', cell: ({ isDenied }: Row) => (isDenied ? 'turned away' : '') },
  ]
  return `\nWithout mutual TLS:\n\n${formatTable(columns, rows, colors.bold)}`
}

/** Which namespaces may go Strict as a whole. */
function conclusion(ports: readonly PortReadiness[], colors: Colors): string {
  const byNamespace = Map.groupBy(ports, ({ namespace }) => namespace)
  const ready = [...byNamespace].filter(
    ([, own]) => own.every(({ verdict }) => verdict === 'safe' || verdict === 'strict') && own.some(isSafe),
  )
  if (ready.length === 0) return ''
  return `\n${colors.green('Safe as a whole:')} ${ready.map(([namespace]) => namespace).join(', ')}\n`
}

function isSafe({ verdict }: PortReadiness): boolean {
  return verdict === 'safe'
}
