/** What carries a proxy's traffic: one event loop in the main thread, or several in threads of their own. */
import type { ProxySettings } from '#/config/proxy-settings.ts'
import { formatSpiffeId, serviceAccountId } from '#/identity/spiffe/spiffe-id.ts'
import type { TrafficReport } from '#/model/traffic.ts'
import type { Drain } from '#/proxy/drain.ts'
import { dumpProxy, type ProxyDump } from '#/proxy/proxy-dump.ts'
import { ProxyEngine } from '#/proxy/proxy-engine.ts'
import { identityOf } from '#/proxy/proxy-identity.ts'
import type { LimitTable } from '#/proxy/thread/limit-table.ts'
import type { SecretStore } from '#/proxy/tls/secret-store.ts'
import { systemClock as clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import type { LineSink } from '#/telemetry/access-log/log-writer.ts'
import type { AdminState, ClusterStatus } from '#/telemetry/admin/admin-state.ts'
import { Telemetry, type TelemetryOptions } from '#/telemetry/telemetry.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import manifest from '../../package.json' with { type: 'json' }

/** What the program around it starts, asks and ends. */
export interface ProxyBody extends Pick<AdminState, 'registry' | 'gather' | 'traffic'> {
  readonly isReady: boolean
  /** Why it is not ready, for a person; empty when it is. */
  readonly unreadiness: string
  readonly drain: Drain
  /** Called once, when everything around it stands. */
  start(): void
  dump(): ProxyDump
  clusters(): ClusterStatus[]
  /** Ends at once, with whatever is under way. */
  close(): Promise<void>
}

export interface TelemetrySetup {
  settings: ProxySettings
  log: Log
  /** Takes the lines of the access log where somebody else writes them. */
  lines?: LineSink
  xds?: TelemetryOptions['xds']
}

export function newTelemetry({ settings, log, lines, xds }: TelemetrySetup): Telemetry {
  const { accessLog, accessLogQuery, seriesMax, seriesIdleMs, trafficEdgesMax, unknownHostsMax } = settings
  const target = lines ?? (accessLog === 'stdout' ? 'stdout' : { file: accessLog })
  const onError = (error: Error): void => log.warn('the access log can not be written', { reason: error.message })
  return new Telemetry({
    self: identityOf(settings),
    principal: principalOf(settings),
    clock,
    version: manifest.version,
    ...(accessLog === 'off' ? {} : { accessLog: { target, onError, isQueryStripped: !accessLogQuery } }),
    seriesMax,
    seriesIdleMs,
    trafficEdgesMax,
    unknownHostsMax,
    ...(xds ? { xds } : {}),
  })
}

/** As its certificate says it; metrics tell it where mutual TLS has. */
function principalOf(settings: ProxySettings): string {
  return formatSpiffeId(serviceAccountId(settings.trustDomain, identityOf(settings)))
}

export interface ProxyLoopOptions {
  settings: ProxySettings
  source: ResourceSource
  telemetry: Telemetry
  log: Log
  limitTable?: LimitTable
  secrets?: SecretStore
}

/** One event loop. */
export class ProxyLoop implements ProxyBody {
  readonly engine: ProxyEngine
  readonly #telemetry: Telemetry

  constructor({ settings, source, telemetry, log, limitTable, secrets }: ProxyLoopOptions) {
    this.#telemetry = telemetry
    const shared = { ...(limitTable ? { limitTable } : {}), ...(secrets ? { secrets } : {}) }
    this.engine = new ProxyEngine({ settings, source, events: telemetry, log, clock, random, ...shared })
    tellMemory(this.engine, telemetry)
  }

  get isReady(): boolean {
    return this.engine.isReady
  }

  get unreadiness(): string {
    return this.engine.unreadiness
  }

  get drain(): Drain {
    return this.engine.drain
  }

  traffic(): TrafficReport | undefined {
    return this.#telemetry.traffic?.report()
  }

  get registry(): Telemetry['registry'] {
    return this.#telemetry.registry
  }

  start(): void {
    // It follows its source, and needs nothing else to begin.
  }

  dump(): ProxyDump {
    return dumpProxy(this.engine)
  }

  clusters(): ClusterStatus[] {
    return [...this.engine.table.clusters.entries.values()].flatMap(({ name, upstream }) => {
      if (!upstream) return []
      const endpoints = upstream.slots.map(({ key, endpoint, active, requests, failures }) => {
        const { health, weight, workload } = endpoint
        const pod = workload ? `${workload.pod}.${workload.namespace}` : ''
        return { address: key, health, weight, active, requests, failures, workload: pod }
      })
      return { name, loadBalancing: upstream.model.loadBalancing, endpoints }
    })
  }

  async close(): Promise<void> {
    this.engine.close()
    this.#telemetry.close()
  }
}

function tellMemory({ memory }: ProxyEngine, { registry }: Telemetry): void {
  registry.gauge('weft_proxy_overloaded', 'Whether memory is short, so that new requests are refused.', () =>
    memory.isShort ? 1 : 0,
  )
  registry.gauge(
    'weft_proxy_memory_limit_bytes',
    'Resident memory that the proxy may use; 0 for no limit.',
    () => memory.bytesMax,
  )
}
