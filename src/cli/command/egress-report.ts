/** `weft egress report` */
import type { ProxyReport } from '#/control/api/control-state.ts'
import { type Command, CommandError, controlOption, outputOption } from '../command.ts'
import { controlClient, getJson } from '../control-client.ts'
import { colorsFor } from '../output/color.ts'
import { printData } from '../output/data.ts'
import { formatTable } from '../output/table.ts'

/** As sidecars name it (`src/telemetry/metric/unknown-host-metrics.ts`). */
const metric = 'weft_proxy_unknown_host_calls_total'

interface Sample {
  name: string
  labels: { host: string; kind: 'request' | 'stream'; outcome: 'passed' | 'refused' }
  value: number
}

/** Calls of one workload to one host. */
export interface EgressRow {
  host: string
  /** `namespace/workload`. */
  from: string
  requests: number
  streams: number
  /** Of both together. */
  refused: number
}

export interface EgressReport {
  hosts: EgressRow[]
  /** Sidecars that could not be asked, with the reason. */
  silent: { node: string; reason: string }[]
}

export const egressReportCommand: Command = {
  name: 'egress report',
  summary: 'list the hosts that were called and are neither Services nor ExternalServices',
  details:
    'Each sidecar is asked what it has seen since it started, or since the host was called last, for an hour. Before a mesh is set to RegistryOnly the list should be empty, or hold nothing that is missed.',
  arguments: [],
  options: [outputOption, controlOption],
  examples: [
    { line: 'weft egress report', does: 'which workload calls which unknown host, how often' },
    { line: 'weft egress report -o json', does: 'the same for a program' },
  ],
  async run(invocation, surroundings) {
    const proxies = await controlClient(invocation, surroundings).get<ProxyReport[]>('/api/v1/proxies')
    const report = await egressReport(proxies)
    const { bold, yellow } = colorsFor(surroundings.output)
    const table = (): string => {
      const silent = report.silent.map(({ node, reason }) => `${yellow('not asked')}: ${node}: ${reason}\n`).join('')
      if (report.hosts.length === 0) return `No unknown host was called.\n${silent}`
      return formatTable(columns, report.hosts, bold) + silent
    }
    printData(report, { invocation, surroundings, table })
    return 0
  },
}

const columns = [
  { title: 'HOST', cell: ({ host }: EgressRow) => host },
  { title: 'FROM', cell: ({ from }: EgressRow) => from },
  { title: 'REQUESTS', isRight: true, cell: ({ requests }: EgressRow) => String(requests) },
  { title: 'STREAMS', isRight: true, cell: ({ streams }: EgressRow) => String(streams) },
  { title: 'REFUSED', isRight: true, cell: ({ refused }: EgressRow) => String(refused) },
]

async function egressReport(proxies: readonly ProxyReport[]): Promise<EgressReport> {
  const rows = new Map<string, EgressRow>()
  const silent: EgressReport['silent'] = []
  for (const proxy of proxies) {
    if (!proxy.isConnected) continue
    const samples = await samplesOf(proxy)
    if ('reason' in samples) silent.push({ node: proxy.node, reason: samples.reason })
    else for (const sample of samples.samples) addTo(rows, sample, `${proxy.namespace}/${proxy.workload || proxy.pod}`)
  }
  const hosts = [...rows.values()].sort(
    (a, b) => b.requests + b.streams - a.requests - a.streams || (a.host < b.host ? -1 : 1),
  )
  return { hosts, silent }
}

/** One that is gone by now is no reason to say nothing of the others. */
async function samplesOf({ admin }: ProxyReport): Promise<{ samples: Sample[] } | { reason: string }> {
  if (!admin) return { reason: 'the address of its admin endpoint is not known' }
  try {
    const samples = await getJson<Sample[]>(`http://${admin}`, `/stats?format=json&filter=${metric}`)
    return { samples: samples.filter(({ name }) => name === metric) }
  } catch (error) {
    if (error instanceof CommandError) return { reason: error.message }
    throw error
  }
}

function addTo(rows: Map<string, EgressRow>, { labels, value }: Sample, from: string): void {
  const key = `${labels.host}\n${from}`
  const row = rows.get(key) ?? { host: labels.host, from, requests: 0, streams: 0, refused: 0 }
  rows.set(key, row)
  if (labels.kind === 'request') row.requests += value
  else row.streams += value
  if (labels.outcome === 'refused') row.refused += value
}
