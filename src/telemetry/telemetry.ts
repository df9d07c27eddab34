/** Everything that is measured and written about a proxy: the one listener of its events. */
import type { WorkloadIdentity } from '#/model/workload.ts'
import type {
  AuthorizationOutcome,
  DetectionOutcome,
  ProxyEvents,
  RequestRecord,
  StreamRecord,
  UnknownHostOutcome,
} from '#/proxy/events.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import { lineBytesMax, writeLogLine } from './access-log/line-bytes.ts'
import { LogWriter, type LogWriterOptions } from './access-log/log-writer.ts'
import { formatStreamLine } from './access-log/stream-line.ts'
import { ConnectionMetrics } from './metric/connection-metrics.ts'
import { GrpcMetrics } from './metric/grpc-metrics.ts'
import { ProcessMetrics } from './metric/process-metrics.ts'
import { Registry } from './metric/registry.ts'
import { RequestMetrics } from './metric/request-metrics.ts'
import { StreamMetrics } from './metric/stream-metrics.ts'
import { UnknownHostMetrics } from './metric/unknown-host-metrics.ts'
import { TrafficLedger } from './traffic/traffic-ledger.ts'

/** What the proxy's xDS client tells when somebody asks. */
export interface XdsState {
  isConnected: boolean
  /** Answers rejected since the start. */
  nacks: number
}

export interface TelemetryOptions {
  /** The workload beside which this proxy stands. */
  self: WorkloadIdentity
  clock: Clock
  /** Of Weft. */
  version: string
  /** The label `source_cluster` and `destination_cluster`; Istio's default unless said. */
  clusterId?: string
  /** SPIFFE id of the workload; absent where it has none. */
  principal?: string
  /** Absent for no access log. */
  accessLog?: Pick<LogWriterOptions, 'target' | 'onError'> & { isQueryStripped?: boolean }
  /** Sets of labels of request metrics at most, 1 or more; 500 unless said. */
  seriesMax?: number
  /** Series unused for so long are forgotten, ms; an hour unless said. */
  seriesIdleMs?: number
  /** Edges of the traffic ledger at most, 0 for no ledger; 1000 unless said. */
  trafficEdgesMax?: number
  /** Hosts that nobody knows and that are counted by name, at most; the rest are one. 100 unless said. */
  unknownHostsMax?: number
  xds?: () => XdsState
}

/** How often idle series are looked for, ms. */
const sweepIntervalMs = 60_000

export class Telemetry implements ProxyEvents {
  /** Others may add their own families. */
  readonly registry = new Registry()
  readonly #clock: Clock
  readonly #requests: RequestMetrics
  readonly #connections: ConnectionMetrics
  readonly #streams: StreamMetrics
  readonly #grpc: GrpcMetrics
  readonly #unknownHosts: UnknownHostMetrics
  readonly #process: ProcessMetrics
  readonly #log: LogWriter | undefined
  readonly #lineOptions: { isQueryStripped: boolean }
  readonly #seriesIdleMs: number
  /** Who called what; absent when nobody wants to know. */
  readonly traffic: TrafficLedger | undefined
  readonly #authorizations: Record<AuthorizationOutcome, number> = {
    allowed: 0,
    denied: 0,
    failed: 0,
    passed_unasked: 0,
  }
  #sweeper: Timer

  /** @throws the system's error when the file of the access log can't be opened. */
  constructor(options: TelemetryOptions) {
    const {
      self,
      clock,
      clusterId = 'Kubernetes',
      principal,
      accessLog,
      seriesMax = 500,
      seriesIdleMs = 3_600_000,
    } = options
    this.#clock = clock
    this.#seriesIdleMs = seriesIdleMs
    this.#log = accessLog && new LogWriter({ clock, target: accessLog.target, onError: accessLog.onError })
    this.#lineOptions = { isQueryStripped: accessLog?.isQueryStripped ?? false }
    const labels = { self, clusterId, ...(principal ? { principal } : {}) }
    this.#requests = new RequestMetrics({ ...labels, seriesMax, idleMs: seriesIdleMs })
    for (const family of this.#requests.families()) this.registry.add(family)
    this.#connections = new ConnectionMetrics(this.registry)
    this.#streams = new StreamMetrics(this.registry, labels)
    this.#grpc = new GrpcMetrics(this.registry, seriesMax)
    this.#unknownHosts = new UnknownHostMetrics(this.registry, options.unknownHostsMax ?? 100)
    const { trafficEdgesMax: edgesMax = 1000 } = options
    if (edgesMax > 0) this.traffic = new TrafficLedger({ nowMs: () => clock.wallMs(), edgesMax, idleMs: seriesIdleMs })
    this.#declareOwn(options)
    this.#process = new ProcessMetrics(this.registry, clock)
    this.#sweeper = this.#sweepLater()
  }

  #declareOwn({ version, xds }: TelemetryOptions): void {
    const counter = (name: string, help: string, read: () => number) =>
      this.registry.collected({ name: `weft_proxy_${name}`, help, type: 'counter' }, () => [[[], read()]])
    const gauge = (name: string, help: string, read: () => number) =>
      this.registry.gauge(`weft_proxy_${name}`, help, read)
    this.registry.collected({ name: 'weft_proxy_build_info', help: 'Version of the proxy.', type: 'gauge' }, () => [
      [['version', version], 1],
    ])
    gauge('metric_series', 'Sets of labels of the request metrics.', () => this.#requests.size)
    counter(
      'metric_overflow_requests_total',
      'Requests counted under destination_service="overflow" for want of a series.',
      () => this.#requests.overflowCount,
    )
    if (this.traffic) gauge('traffic_edges', 'Edges of the traffic ledger.', () => this.traffic!.size)
    counter(
      'traffic_uncounted_total',
      'Requests and streams that found no room in the traffic ledger.',
      () => this.traffic?.uncounted ?? 0,
    )
    counter(
      'access_log_dropped_total',
      'Lines that the target of the access log did not take.',
      () => this.droppedLines,
    )
    this.registry.collected(
      {
        name: 'weft_proxy_external_authorization_total',
        help: 'Requests about which an authorisation server was asked, by outcome.',
        type: 'counter',
      },
      () => Object.entries(this.#authorizations).map(([outcome, count]) => [['outcome', outcome], count]),
    )
    if (!xds) return
    gauge('xds_connected', 'Whether the control plane is connected.', () => (xds().isConnected ? 1 : 0))
    counter('xds_nacks_total', 'Answers of the control plane that were rejected.', () => xds().nacks)
  }

  #sweepLater(): Timer {
    return this.#clock.after(
      sweepIntervalMs,
      () => {
        const nowMs = this.#clock.monotonicMs()
        this.#requests.sweep(nowMs)
        this.#connections.sweep(nowMs - this.#seriesIdleMs)
        this.#streams.sweep(nowMs - this.#seriesIdleMs)
        this.#grpc.sweep(nowMs - this.#seriesIdleMs)
        this.#unknownHosts.sweep(nowMs - this.#seriesIdleMs)
        this.traffic?.sweep()
        this.#sweeper = this.#sweepLater()
      },
      true,
    )
  }

  get droppedLines(): number {
    return this.#log?.droppedLines ?? 0
  }

  onConnection(listener: string): void {
    this.#connections.onConnection(listener, this.#clock.monotonicMs())
  }

  onConnectionClosed(listener: string): void {
    this.#connections.onConnectionClosed(listener, this.#clock.monotonicMs())
  }

  onMalformed(listener: string, code: string, _detail: string): void {
    this.#connections.onMalformed(listener, code, this.#clock.monotonicMs())
  }

  onIdleClosed(listener: string): void {
    this.#connections.onIdleClosed(listener, this.#clock.monotonicMs())
  }

  onUpstreamConnection(cluster: string): void {
    this.#connections.onUpstreamConnection(cluster, this.#clock.monotonicMs())
  }

  onUpstreamConnectionClosed(cluster: string): void {
    this.#connections.onUpstreamConnectionClosed(cluster, this.#clock.monotonicMs())
  }

  onUpstreamConnectFailed(cluster: string, _address: string, _detail: string): void {
    this.#connections.onUpstreamConnectFailed(cluster, this.#clock.monotonicMs())
  }

  onEnd(record: RequestRecord): void {
    this.#requests.observe(record)
    this.traffic?.observe(record)
    if (record.grpcStatus >= 0) this.#grpc.observe(record)
    if (this.#log) this.#writeLine(this.#log, record)
    if (record.attempts > 1 && record.cluster !== undefined) {
      this.#connections.onRetries(record.cluster.name, record.attempts - 1, record.startMs + record.durationMs)
    }
  }

  onStreamOpen(record: StreamRecord): void {
    this.#streams.onOpen(record, this.#clock.monotonicMs())
  }

  onStreamEnd(record: StreamRecord): void {
    this.#streams.onEnd(record, this.#clock.monotonicMs())
    this.traffic?.observeStream(record)
    this.#log?.write(formatStreamLine(record))
  }

  onDetected(listener: string, outcome: DetectionOutcome, afterMs: number): void {
    this.#streams.onDetected(listener, outcome, afterMs, this.#clock.monotonicMs())
  }

  onAuthorization(outcome: AuthorizationOutcome): void {
    this.#authorizations[outcome]++
  }

  onUnknownHost(host: string, kind: 'request' | 'stream', outcome: UnknownHostOutcome): void {
    this.#unknownHosts.onCall(host, { kind, outcome, nowMs: this.#clock.monotonicMs() })
  }

  #writeLine(log: LogWriter, record: RequestRecord): void {
    const room = log.reserve(lineBytesMax(record))
    if (room) log.commit(writeLogLine(room, log.used, record, this.#lineOptions))
  }

  /** Whole lines of the access log that another event loop has gathered. */
  writeLines(bytes: Uint8Array, lines: number): void {
    this.#log?.append(bytes, lines)
  }

  /** Resolves when the lines written so far have left. */
  drain(): Promise<void> {
    return this.#log?.drain() ?? Promise.resolve()
  }

  /** Writes what waits and stops; nothing may be told any more. Await `drain` before where there is time. */
  close(): void {
    this.#sweeper.cancel()
    this.#process.close()
    this.#log?.close()
  }
}

/** @throws the system's error when the file of the access log can't be opened. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  return new Telemetry(options)
}
