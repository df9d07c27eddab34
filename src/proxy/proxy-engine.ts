/** The sidecar: configuration comes in through the tables, connections through the listeners, and requests meet both. */
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { TimerWheel } from '#/codec/timer-wheel.ts'
import { memoryLimitBytes } from '#/config/memory-limit.ts'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import { meshClientTls } from '#/model/mutual-tls.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { Clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { Random } from '#/std/random.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import { Drain } from './drain.ts'
import type { ProxyEvents } from './events.ts'
import { formatPeer } from './exchange/mesh-header.ts'
import { ListenerSet } from './listener/listener-set.ts'
import { originalDestination } from './listener/original-destination.ts'
import { MemoryGuard } from './memory/memory-guard.ts'
import { releaseMemory } from './memory/release-memory.ts'
import { http1Limits, http2Limits } from './protocol-limits.ts'
import type { ProxyContext } from './proxy-context.ts'
import { identityOf } from './proxy-identity.ts'
import { passthroughRoutes } from './table/passthrough.ts'
import { ProxyTable } from './table/proxy-table.ts'
import type { LimitTable } from './thread/limit-table.ts'
import { MeshTlsEntrance } from './tls/mesh-tls-entrance.ts'
import { PemWatch } from './tls/pem-watch.ts'
import type { SecretStore } from './tls/secret-store.ts'
import { TlsExit } from './tls/tls-exit.ts'
import { clientCodec } from './upstream/client-codec.ts'

export interface ProxyEngineOptions {
  settings: ProxySettings
  source: ResourceSource
  events: ProxyEvents
  log: Log
  clock: Clock
  random: Random
  /** Where several event loops of the process share addresses and limits. */
  limitTable?: LimitTable
  /** Its own identity and the roots of the mesh, as they come. */
  secrets?: SecretStore
  /** What a redirected connection was made to; the kernel is asked unless said. */
  originalOf?: ProxyContext['originalOf']
}

/** Precision of timeouts of requests, and of idle connections, ms. */
const tickMs = 20
const coarseTickMs = 250

export class ProxyEngine {
  readonly identity: WorkloadIdentity
  readonly table: ProxyTable
  readonly listeners: ListenerSet
  readonly drain: Drain
  readonly memory: MemoryGuard
  #wasReady = false

  constructor(options: ProxyEngineOptions) {
    const { settings, source, events, log, clock, random, limitTable, secrets } = options
    this.identity = identityOf(settings)
    this.memory = new MemoryGuard({
      clock,
      log,
      bytesMax: settings.memoryBytesMax || memoryLimitBytes(),
      shedPercent: settings.memoryShedPercent,
      release: () => releaseMemory(log),
    })
    const http1 = http1Limits(settings)
    const http2 = http2Limits(settings)
    const coarseWheel = new TimerWheel({ tickMs: coarseTickMs, clock })
    const intervalMs = settings.certificateReloadMs
    const certificates = new PemWatch({ clock, log, intervalMs, ...(secrets ? { secrets } : {}) })
    const upstream = {
      limits: settings,
      limitTable,
      http1,
      http2,
      certificates,
      mesh: secrets && new TlsExit(meshClientTls, certificates),
      openConnection: clientCodec({
        http1,
        http2: { ...http2, streamsMax: settings.streamsPerConnectionMax },
        wheel: coarseWheel,
      }),
      clock,
      random,
      wheel: new TimerWheel({ tickMs, clock }),
      coarseWheel,
      events,
      isLoop: (socket: Socket) => this.#isLoop(socket),
    }
    this.table = new ProxyTable({
      source,
      upstream,
      clusterDiscovery: settings.clusterDiscovery,
      limits: settings,
      log,
      onListener: (entry) => this.listeners.apply(entry),
      onListenerGone: (name) => this.listeners.remove(name),
    })
    const context: ProxyContext = {
      ...upstream,
      settings,
      log,
      memory: this.memory,
      meshEntrance: new MeshTlsEntrance({ watch: certificates, handshakeTimeoutMs: settings.requestHeaderTimeoutMs }),
      identity: this.identity,
      peerText: formatPeer(this.identity),
      table: this.table,
      passthrough: passthroughRoutes(upstream),
      originalOf: options.originalOf ?? originalDestination,
    }
    this.listeners = new ListenerSet(context)
    const { drainDelayMs, drainMs } = settings
    this.drain = new Drain({ listeners: this.listeners, clock, log, drainDelayMs, drainMs })
    this.memory.start()
  }

  /** The first configuration is whole and bound, and nobody has asked to go. A later fault does not take it back. */
  get isReady(): boolean {
    this.#wasReady ||= this.table.listeners.isReady && this.listeners.isBound
    return this.#wasReady && !this.drain.isDraining
  }

  /** Why it is not ready, for a person; empty when it is. */
  get unreadiness(): string {
    if (this.isReady) return ''
    if (this.drain.isDraining) return 'draining'
    const { listeners } = this.table
    if (!listeners.isSynced) return 'waits for the first configuration of the control plane'
    for (const { name, mayBind, trouble } of listeners.entries.values())
      if (!mayBind) return `listener ${name}: ${trouble}`
    const unbound = this.listeners.status.find(({ isBound }) => !isBound)
    return unbound ? `listener ${unbound.name}: ${unbound.fault || 'is being bound'}` : 'listeners are being bound'
  }

  /** Ends at once, with whatever is under way. */
  close(): void {
    this.memory.stop()
    this.listeners.destroy()
    this.table.close()
  }

  #isLoop(socket: Socket): boolean {
    const host = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    if (isIP(host) === 0) return false
    const isLocal = host === (socket.localAddress ?? '').replace(/^::ffff:/, '')
    return this.listeners.isOutbound({ host, port: socket.remotePort ?? 0 }, isLocal)
  }
}
