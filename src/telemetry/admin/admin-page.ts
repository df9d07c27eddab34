/** The pages of the admin endpoint: one table that serving, help and tests go by. */
import { getHeader, type RequestHead } from '#/codec/message.ts'
import type { TrafficReport } from '#/model/traffic.ts'
import { type LogLevel, logLevels } from '#/std/log.ts'
import { chooseFormat, contentTypes, expose, formatLabels, formatNumber } from '../metric/exposition.ts'
import type { AdminState, ClusterStatus, FamilySource } from './admin-state.ts'
import { type Answer, gather, jsonAnswer, textAnswer } from './answer.ts'

export interface AdminPage {
  method: 'GET' | 'POST'
  path: string
  help: string
  /** Anybody may ask, under any name: probes and scrapers come from outside. */
  isPublic: boolean
  answer(state: AdminState, query: URLSearchParams, head: RequestHead): Answer
}

export const adminPages: readonly AdminPage[] = [
  {
    method: 'GET',
    path: '/ready',
    help: '200 when requests should be sent here, else 503 and why not',
    isPublic: true,
    answer(state) {
      const { isReady, detail } = state.readiness()
      return isReady ? textAnswer('ready') : textAnswer(`not ready: ${detail}`, 503)
    },
  },
  {
    method: 'GET',
    path: '/healthz',
    help: '200 as long as the process runs',
    isPublic: true,
    answer: () => textAnswer('ok'),
  },
  {
    method: 'GET',
    path: '/metrics',
    help: 'metrics for Prometheus, or OpenMetrics when asked for by Accept',
    isPublic: true,
    answer({ registry }, _query, head) {
      const format = chooseFormat(getHeader(head.headers, 'accept'))
      return { status: 200, contentType: contentTypes[format], body: expose(registry.families, format) }
    },
  },
  {
    method: 'GET',
    path: '/stats',
    help: 'the same numbers, one a line; ?filter=TEXT, ?format=json',
    isPublic: false,
    answer: ({ registry }, query) => statsAnswer(registry, query),
  },
  {
    method: 'GET',
    path: '/config_dump',
    help: 'what the proxy was told and what is in force, secrets left out',
    isPublic: false,
    answer: (state) => jsonAnswer(state.configDump()),
  },
  {
    method: 'GET',
    path: '/clusters',
    help: 'endpoints with health and counts; ?format=json',
    isPublic: false,
    answer: (state, query) => clustersAnswer(state.clusters(), query),
  },
  {
    method: 'GET',
    path: '/traffic',
    help: 'who called what, how often and how well protected, and the last refusals, as JSON',
    isPublic: false,
    answer: (state) => trafficAnswer(state.traffic?.()),
  },
  {
    method: 'POST',
    path: '/drain',
    help: 'take no new connections, finish what is under way',
    isPublic: false,
    answer(state) {
      state.drain()
      return textAnswer('draining')
    },
  },
  {
    method: 'POST',
    path: '/logging',
    help: `?level=${logLevels.join('|')} sets the level of the log; without, tells it`,
    isPublic: false,
    answer: ({ log }, query) => loggingAnswer(log, query.get('level')),
  },
  {
    method: 'POST',
    path: '/quitquitquit',
    help: 'end the process in an orderly way',
    isPublic: false,
    answer: (state) => ({ ...textAnswer('bye'), afterwards: () => state.quit() }),
  },
]

/** The list of pages, for `GET /` and for those who lost their way. */
export function listPages(): string {
  const width = Math.max(...adminPages.map(({ path }) => path.length))
  return adminPages.map(({ method, path, help }) => `${method.padEnd(4)} ${path.padEnd(width)}  ${help}\n`).join('')
}

/** Not indented: the control plane reads it every few seconds. Nothing in it is secret. */
function trafficAnswer(report: TrafficReport | undefined): Answer {
  if (!report) return textAnswer('the traffic ledger is off (setting trafficEdgesMax)', 404)
  return { status: 200, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(report)}\n` }
}

function loggingAnswer(log: { level: LogLevel }, wanted: string | null): Answer {
  const level = logLevels.find((known) => known === wanted)
  if (wanted !== null && level === undefined) return textAnswer(`level must be one of ${logLevels.join(', ')}`, 400)
  if (level !== undefined) log.level = level
  return textAnswer(`level: ${log.level}`)
}

function statsAnswer(registry: FamilySource, query: URLSearchParams): Answer {
  const filter = query.get('filter') ?? ''
  if (query.get('format') === 'json') return jsonAnswer([...statObjects(registry, filter)])
  return { ...textAnswer(''), body: gather(statLines(registry, filter)) }
}

function* statLines(registry: FamilySource, filter: string): Generator<string> {
  for (const family of registry.families) {
    for (const { suffix, labels, le, value } of family.samples()) {
      const all = formatLabels(le === '' ? labels : [...labels, 'le', le])
      const line = `${family.name}${suffix}${all === '' ? '' : `{${all}}`}: ${formatNumber(value)}\n`
      if (line.includes(filter)) yield line
    }
  }
}

function* statObjects(registry: FamilySource, filter: string) {
  for (const family of registry.families) {
    const { name, type } = family
    if (!name.includes(filter)) continue
    for (const { suffix, labels, le, value } of family.samples()) {
      const pairs = Array.from({ length: labels.length / 2 }, (_, i) => [labels[2 * i], labels[2 * i + 1]])
      if (le !== '') pairs.push(['le', le])
      // JSON has no infinity.
      yield {
        name: name + suffix,
        type,
        labels: Object.fromEntries(pairs),
        value: Number.isFinite(value) ? value : null,
      }
    }
  }
}

function clustersAnswer(clusters: Iterable<ClusterStatus>, query: URLSearchParams): Answer {
  if (query.get('format') === 'json') return jsonAnswer([...clusters])
  let text = ''
  for (const { name, loadBalancing, endpoints } of clusters) {
    text += `${name} (${loadBalancing})${endpoints.length === 0 ? ' has no endpoints' : ''}\n`
    for (const { address, health, weight, active, requests, failures, workload } of endpoints) {
      text += `  ${address} ${health} weight=${weight} active=${active} requests=${requests} failures=${failures}`
      text += `${workload === '' ? '' : ` workload=${workload}`}\n`
    }
  }
  return textAnswer(text === '' ? 'no clusters' : text)
}
