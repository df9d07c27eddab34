/**
 * A request as one line of JSON, under the names of Istio's default log (and Envoy's operators behind them), so that the
 * queries people have keep working. This is the line as text; `line-bytes.ts` writes the same bytes at a third of the cost.
 * Headers that may hold secrets are not among the fields; the query of the path can be left out by a setting.
 */
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import { endpointAddress } from './endpoint-address.ts'

/** `pod.namespace`, made once a workload. */
const peerNames = new WeakMap<WorkloadIdentity, string>()

export interface LogLineOptions {
  /** The path is logged without what follows `?`. */
  isQueryStripped: boolean
}

/** Ends with a line feed. Absent values are `null`, as Envoy writes them. */
export function formatLogLine(record: RequestRecord, { isQueryStripped }: LogLineOptions): string {
  return (
    `{"start_time":"${formatTime(record.wallMs)}"` +
    `,"method":${quote(record.method)}` +
    `,"path":${quote(isQueryStripped ? withoutQuery(record.path) : record.path)}` +
    `,"response_code":${record.status}` +
    `,"bytes_received":${record.requestBytes}` +
    `,"bytes_sent":${record.responseBytes}` +
    `,"duration":${Math.round(record.durationMs)}` +
    `,"upstream_service_time":${record.firstByteMs < 0 || record.attempts === 0 ? 'null' : Math.round(record.firstByteMs)}` +
    `,"request_id":${quote(record.requestId)}` +
    `,"traceparent":${quote(record.traceparent)}` +
    formatCaller(record) +
    formatLineEnd(record)
  )
}

/** What is the same for many requests: it depends on who called. */
export function formatCaller(record: RequestRecord): string {
  return (
    `,"x_forwarded_for":${quote(record.forwardedFor)}` +
    `,"user_agent":${quote(record.userAgent)}` +
    `,"authority":${quote(record.authority)}` +
    `,"downstream_remote_address":${quote(record.remoteAddress)}` +
    `,"peer":${quote(peerName(record))}`
  )
}

/** What is the same for many requests: it depends on where they went and how it ended. */
export function formatLineEnd(record: RequestRecord): string {
  const { endpoint, cluster, route } = record
  return (
    (record.grpcStatus >= 0 ? `,"grpc_status":${record.grpcStatus}` : '') +
    `,"protocol":"${record.protocol}"` +
    `,"response_flags":${quote(record.flags || '-')}` +
    `,"response_code_details":${details(record)}` +
    `,"upstream_host":${endpoint === undefined ? 'null' : `"${endpointAddress(endpoint)}"`}` +
    `,"upstream_cluster":${quote(cluster?.name)}` +
    `,"route_name":${quote(route?.name)}` +
    `,"direction":"${record.direction}"` +
    `,"listener":${quote(record.listener)}` +
    `,"attempts":${record.attempts}}\n`
  )
}

/** The proxy's own code with its detail, or Envoy's word for an answer that came from the application. */
function details({ code, detail, attempts, status }: RequestRecord): string {
  if (code !== '') return quote(detail === '' ? code : `${code}; ${detail}`)
  return attempts > 0 && status > 0 ? '"via_upstream"' : '"direct_response"'
}

/** The other side. Inbound, the endpoint is our own application and says nothing about the caller. */
export function peerName({ direction, peer, endpoint }: RequestRecord): string {
  const workload = peer ?? (direction === 'outbound' ? endpoint?.workload : undefined)
  if (workload === undefined) return ''
  let name = peerNames.get(workload)
  if (name === undefined) {
    name = `${workload.pod}.${workload.namespace}`
    peerNames.set(workload, name)
  }
  return name
}

export function withoutQuery(path: string): string {
  const end = path.indexOf('?')
  return end < 0 ? path : path.slice(0, end)
}

/**
 * A JSON string; `null` for an empty or absent value. What RFC 8259 section 7 wants escaped, and surrogates, of which half a
 * pair would be no character, are left to `JSON.stringify`; nearly no text has any.
 */
export function quote(text: string | undefined): string {
  if (text === undefined || text === '') return 'null'
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0xd800) return JSON.stringify(text)
  }
  return `"${text}"`
}

let timeSecond = -1
let timeText = ''

/** RFC 3339 with milliseconds, UTC. The text of a second is made once. */
export function formatTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000)
  if (second !== timeSecond) {
    timeSecond = second
    timeText = new Date(second * 1000).toISOString().slice(0, 20)
  }
  const ms = Math.floor(wallMs - second * 1000)
  return `${timeText}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`
}
