/** Who called what in the whole mesh: collected from the sidecars, kept, told (docs/decisions/0014-traffic-ledger.md). */
import { join } from 'node:path'
import type { Mesh } from '#/model/mesh.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { type FetchReport, fetchReport } from './fetch-report.ts'
import { type LedgerOwner, TrafficBook } from './traffic-book.ts'
import { type CollectedLedger, TrafficCollector } from './traffic-collector.ts'
import { TrafficFile } from './traffic-file.ts'

export interface TrafficPlaneOptions {
  mesh: () => Mesh | undefined
  /** Node id → admin endpoint. */
  admins: () => ReadonlyMap<string, string>
  audit: AuditLog
  /** Folder that it is kept in; absent for memory alone. */
  folder?: string
  clock: Clock
  log: Log
  fetch?: FetchReport
  /** Between rounds, ms; 10 s unless said. */
  intervalMs?: number
}

/** The book is written when it has changed, this often, ms. */
const saveIntervalMs = 60_000
/** Sidecars asked at a time. */
const parallel = 8

export class TrafficPlane {
  readonly #options: TrafficPlaneOptions
  readonly #book = new TrafficBook()
  readonly #file: TrafficFile | undefined
  readonly #collector: TrafficCollector
  #sinceMs: number
  #savedVersion = 0
  #saver: Timer | undefined

  constructor(options: TrafficPlaneOptions) {
    const { folder, clock, log, audit, fetch = fetchReport, intervalMs = 10_000 } = options
    this.#options = options
    this.#sinceMs = clock.wallMs()
    if (folder) {
      this.#file = new TrafficFile(join(folder, 'traffic.json'), log)
      const kept = this.#file.read()
      if (kept) {
        this.#book.restore(kept.edges, kept.savedMs)
        this.#sinceMs = kept.sinceMs
      }
    }
    this.#collector = new TrafficCollector({
      sidecars: () => this.#sidecars(),
      fetch,
      read: audit.readSequences(),
      onReport: (collected) => this.#take(collected),
      onRound: (present) => this.#endRound(present),
      clock,
      intervalMs,
      parallel,
    })
  }

  start(): void {
    this.#collector.start()
    if (this.#file) this.#saveLater()
  }

  stop(): void {
    this.#collector.stop()
    this.#saver?.cancel()
    this.#save()
  }

  /** Asks all sidecars what is new. Never rejects. */
  collect(): Promise<void> {
    return this.#collector.collect()
  }

  /** As of now: asks all sidecars first. @param fromMs milliseconds since 1970. */
  async traffic(fromMs: number): Promise<MeshTraffic> {
    await this.#collector.collect()
    const nowMs = this.#options.clock.wallMs()
    const sources = this.#collector.sources.sort((a, b) => (a.node < b.node ? -1 : 1))
    return { fromMs, nowMs, sinceMs: this.#sinceMs, sources, edges: this.#book.edges(fromMs, nowMs) }
  }

  #sidecars(): (LedgerOwner & { admin: string })[] {
    const mesh = this.#options.mesh()
    const found: (LedgerOwner & { admin: string })[] = []
    for (const [node, admin] of this.#options.admins()) {
      const workload = mesh?.workloads.get(node)
      if (!workload) continue
      const { namespace, serviceAccount } = workload
      found.push({ node, admin, workload: `${namespace}/${workload.workload}`, serviceAccount })
    }
    return found
  }

  #take({ owner, report, decisions, lost }: CollectedLedger): void {
    const callers = this.#callersByAddress()
    this.#book.absorb(owner, report, (address) => callers.get(address))
    const { node, workload } = owner
    const entries = decisions.map(({ atMs, ...decision }) => ({
      type: 'decision' as const,
      at: new Date(atMs).toISOString(),
      node,
      workload,
      ...decision,
    }))
    this.#options.audit.append(entries)
    if (lost === 0) return
    const at = new Date(this.#options.clock.wallMs()).toISOString()
    this.#options.audit.append([{ type: 'lost', at, node, workload, count: lost }])
  }

  /** On a laptop all share one, which then says nothing. */
  #callersByAddress(): Map<string, string | undefined> {
    const mesh = this.#options.mesh()
    if (mesh === this.#callers?.mesh) return this.#callers!.byAddress
    const byAddress = new Map<string, string | undefined>()
    for (const { address, namespace, workload } of mesh?.workloads.values() ?? []) {
      if (address === '') continue
      const name = `${namespace}/${workload}`
      byAddress.set(address, byAddress.has(address) && byAddress.get(address) !== name ? undefined : name)
    }
    this.#callers = { mesh, byAddress }
    return byAddress
  }
  #callers: { mesh: Mesh | undefined; byAddress: Map<string, string | undefined> } | undefined

  #endRound(present: ReadonlySet<string>): void {
    for (const node of this.#book.nodes) if (!present.has(node)) this.#book.forget(node)
    this.#book.sweep(this.#options.clock.wallMs())
  }

  #saveLater(): void {
    this.#saver = this.#options.clock.after(
      saveIntervalMs,
      () => {
        this.#save()
        this.#saveLater()
      },
      true,
    )
  }

  #save(): void {
    if (!this.#file || this.#book.version === this.#savedVersion) return
    const savedMs = this.#options.clock.wallMs()
    this.#file.write({ savedMs, sinceMs: this.#sinceMs, edges: this.#book.keep(savedMs) })
    this.#savedVersion = this.#book.version
  }
}
