/** Several event loops, each in a thread of its own, as one proxy: started, asked and ended from the main thread. */
import { Worker } from 'node:worker_threads'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { TrafficReport } from '#/model/traffic.ts'
import { Drain } from '#/proxy/drain.ts'
import type { ProxyDump } from '#/proxy/proxy-dump.ts'
import type { LoopThread, LoopThreadOwner } from '#/proxy/thread/event-loop.ts'
import type { LimitTableShape } from '#/proxy/thread/limit-table.ts'
import type { LoopOrder, LoopReport, LoopStart } from '#/proxy/thread/loop-message.ts'
import { LoopSet } from '#/proxy/thread/loop-set.ts'
import { mergeBy, mergeDumps } from '#/proxy/thread/merged-dump.ts'
import { SecretRelay } from '#/proxy/thread/secret-relay.ts'
import type { SecretStore } from '#/proxy/tls/secret-store.ts'
import { systemClock as clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import type { ClusterStatus } from '#/telemetry/admin/admin-state.ts'
import { MergedRegistry } from '#/telemetry/metric/merged-registry.ts'
import type { MetricSnapshot } from '#/telemetry/metric/metric-snapshot.ts'
import type { Telemetry } from '#/telemetry/telemetry.ts'
import { mergeTraffic } from '#/telemetry/traffic/merge-traffic.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import type { DumpFacts } from './loop-thread.ts'
import type { ProxyBody } from './proxy-body.ts'

export interface ProxyLoopsOptions {
  /** 2 to 32. */
  loops: number
  /** What a thread runs, with its arguments; it must call `runLoopThread`. */
  program: { url: URL; argv: string[] }
  settings: ProxySettings
  source: ResourceSource
  /** Of the main thread, which writes the access log of all. */
  telemetry: Telemetry
  /** Absent where the proxy has no identity. */
  secrets?: SecretStore
  log: Log
}

/** Pages of the admin endpoint that tell what the loops know. */
const metricPages: readonly string[] = ['/metrics', '/stats']
const dumpPages: readonly string[] = ['/config_dump', '/clusters']
/** For the access log to leave at the end, ms: its reader may be gone. */
const drainWaitMs = 1000

export class ProxyLoops implements ProxyBody {
  readonly drain: Drain
  readonly registry: MergedRegistry
  readonly #options: ProxyLoopsOptions
  readonly #loops: LoopSet
  readonly #secrets: SecretRelay | undefined
  #facts: readonly DumpFacts[] = []
  #traffic: readonly TrafficReport[] = []

  constructor(options: ProxyLoopsOptions) {
    this.#options = options
    this.#secrets = options.secrets && new SecretRelay(options.secrets)
    const { loops, settings, source, telemetry, log } = options
    const { drainDelayMs, drainMs, seriesMax, seriesIdleMs: idleMs } = settings
    this.registry = new MergedRegistry({
      own: telemetry.registry,
      loops,
      nowMs: () => clock.monotonicMs(),
      idleMs,
      seriesMax,
    })
    this.#loops = new LoopSet({
      loops,
      spawn: (loop, limits, owner) => this.#spawn(loop, limits, owner),
      source,
      clock,
      random,
      log,
      onLogLine: (line) => log.pass(line),
      onLines: (bytes, count) => telemetry.writeLines(bytes, count),
      onLoopGone: (loop) => this.registry.lose(loop),
    })
    this.drain = new Drain({ listeners: this.#loops, clock, log, drainDelayMs, drainMs })
    telemetry.registry.gauge('weft_proxy_event_loops', 'Event loops that carry traffic.', () => loops)
    telemetry.registry.collected(
      {
        name: 'weft_proxy_event_loop_restarts_total',
        help: 'Event loops that had to be started again.',
        type: 'counter',
      },
      () => [[[], this.#loops.restarts]],
    )
    log.onLevel = (level) => this.#loops.setLogLevel(level)
  }

  start(): void {
    this.#loops.start()
  }

  get isReady(): boolean {
    return this.#loops.isReady && !this.drain.isDraining
  }

  get unreadiness(): string {
    return this.drain.isDraining ? 'draining' : this.#loops.unreadiness
  }

  /** @param done called when all loops have taken what the source told so far. */
  settle(done: () => void): void {
    this.#loops.settle(done)
  }

  gather(path: string, done: () => void): void {
    if (metricPages.includes(path)) {
      this.#loops.ask('metrics', (facts) => {
        for (const [loop, snapshot] of facts.entries())
          if (snapshot) this.registry.offer(loop, snapshot as MetricSnapshot)
        done()
      })
    } else if (dumpPages.includes(path)) {
      this.#loops.ask('dump', (facts) => {
        this.#facts = facts.filter((one) => one !== undefined) as DumpFacts[]
        done()
        this.#facts = []
      })
    } else if (path === '/traffic') {
      this.#loops.ask('traffic', (facts) => {
        this.#traffic = facts.filter((one) => one !== undefined) as TrafficReport[]
        done()
        this.#traffic = []
      })
    } else done()
  }

  /** Only while `gather` is done. */
  dump(): ProxyDump {
    return mergeDumps(this.#facts.map(({ dump }) => dump))
  }

  /** Only while `gather` is done. */
  traffic(): TrafficReport | undefined {
    return mergeTraffic(this.#traffic)
  }

  /** Only while `gather` is done. */
  clusters(): ClusterStatus[] {
    return mergeBy(
      this.#facts.flatMap(({ clusters }) => clusters),
      ({ name }) => name,
      mergeClusters,
    )
  }

  async close(): Promise<void> {
    const { telemetry } = this.#options
    await this.#loops.close()
    await Promise.race([telemetry.drain(), new Promise<void>((resolve) => clock.after(drainWaitMs, resolve))])
    telemetry.close()
  }

  #spawn(loop: number, limits: LimitTableShape, owner: LoopThreadOwner): LoopThread {
    const { program, log } = this.#options
    const settings = shareOf(this.#options)
    const hasIdentity = this.#secrets !== undefined
    const start: LoopStart = { loop, settings, logLevel: log.level, limits, hasIdentity }
    const worker = new Worker(program.url, { argv: program.argv, name: `loop ${loop}`, workerData: start })
    let reason = ''
    worker.on('message', (report: LoopReport) => owner.onReport(report))
    worker.on('error', (error) => (reason = error instanceof Error ? error.message : String(error)))
    const order = (one: LoopOrder): void => worker.postMessage(one)
    const forget = this.#secrets?.open(order)
    worker.on('exit', (code) => {
      forget?.()
      owner.onExit(reason || `exit code ${code}`)
    })
    return { order }
  }
}

/** What has a bound of its own in each loop, by which the system spreads clients. */
function shareOf({ settings, loops }: ProxyLoopsOptions): ProxySettings {
  return { ...settings, datagramSessionsMax: Math.ceil(settings.datagramSessionsMax / loops) }
}

function mergeClusters(a: ClusterStatus, b: ClusterStatus): ClusterStatus {
  const endpoints = mergeBy([...a.endpoints, ...b.endpoints], ({ address }) => address, addEndpoints)
  return { ...a, endpoints }
}

function addEndpoints(a: EndpointCounts, b: EndpointCounts): EndpointCounts {
  const sum = { active: a.active + b.active, requests: a.requests + b.requests, failures: a.failures + b.failures }
  return { ...a, ...sum }
}

type EndpointCounts = ClusterStatus['endpoints'][number]
