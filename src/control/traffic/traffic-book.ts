/**
 * The edges of the whole mesh, from what each sidecar tells of its own again and again. Bounded: the edge that was silent for longest makes
 * room. A sidecar counts from its start, so that what it told the last time is taken off.
 */
import {
  formatTrafficKey,
  type MeshEdge,
  type TrafficEdge,
  type TrafficFacts,
  type TrafficReport,
} from '#/model/traffic.ts'
import { TrafficCount } from './traffic-count.ts'

export interface TrafficBookOptions {
  /** Edges at most, 1 or more; each takes about 1.5 KB. */
  edgesMax: number
  /** What was silent for so long is forgotten, ms. */
  keptMs: number
}

/** What `weft access review` calls unused is unused for 30 days. */
export const trafficBookDefaults: TrafficBookOptions = { edgesMax: 20_000, keptMs: 31 * 24 * 3_600_000 }

/** Whose sidecar tells. */
export interface LedgerOwner {
  node: string
  /** `NAMESPACE/WORKLOAD` */
  workload: string
  serviceAccount: string
}

interface Entry {
  facts: TrafficFacts & Pick<MeshEdge, 'workload' | 'serviceAccount'>
  firstMs: number
  lastMs: number
  readonly count: TrafficCount
}

/** What a sidecar told the last time. */
interface Told {
  sinceMs: number
  edges: Map<string, { count: number; firstMs: number }>
}

/** The file's form of an edge. */
export type KeptEdge = Entry['facts'] & { firstMs: number; lastMs: number; total: number; hours: number[] }

/** Of the edges, what goes when there is no room. */
const evictedShare = 0.05

export class TrafficBook {
  readonly #options: TrafficBookOptions
  readonly #entries = new Map<string, Entry>()
  readonly #told = new Map<string, Told>()
  /** When what was restored had been kept; 0 without. */
  #restoredMs = 0
  /** Counts up with each change. */
  version = 0

  constructor(options: TrafficBookOptions = trafficBookDefaults) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** @param callerAt who has an address, `NAMESPACE/WORKLOAD`; undefined where nobody or several have. */
  absorb(owner: LedgerOwner, report: TrafficReport, callerAt: (address: string) => string | undefined): void {
    const before = this.#told.get(owner.node)
    const isSame = before?.sinceMs === report.sinceMs
    // What an older sidecar had told to an earlier run is in the count already, nobody knows how much of it.
    const isNew = report.sinceMs > this.#restoredMs
    const told: Told = { sinceMs: report.sinceMs, edges: new Map() }
    for (const edge of report.edges) {
      const key = formatTrafficKey(edge)
      const { count, firstMs } = edge
      told.edges.set(key, { count, firstMs })
      const last = isSame ? before.edges.get(key) : undefined
      // It was forgotten there meanwhile and began anew, or a loop was lost with what it had counted.
      const isOn = last !== undefined && last.count <= count && last.firstMs >= firstMs
      const added = isOn ? count - last.count : before || isNew ? count : edge.lastMs > this.#restoredMs ? 1 : 0
      if (added > 0) this.#add(owner, withCaller(edge, callerAt), added, report.nowMs)
    }
    this.#told.set(owner.node, told)
  }

  /** A sidecar that is no more: what it counted stays. */
  forget(node: string): void {
    this.#told.delete(node)
  }

  /** Nodes that have told something. */
  get nodes(): Iterable<string> {
    return this.#told.keys()
  }

  /** Edges that were used since `fromMs`. */
  edges(fromMs: number, nowMs: number): MeshEdge[] {
    const found: MeshEdge[] = []
    for (const { facts, firstMs, lastMs, count } of this.#entries.values()) {
      if (lastMs < fromMs) continue
      // By the minute or hour, the bucket may have gone by while the edge itself has not.
      found.push({ ...facts, firstMs, lastMs, count: Math.max(1, count.since(fromMs, nowMs)) })
    }
    return found
  }

  /** Forgets what was silent for too long. */
  sweep(nowMs: number): void {
    for (const [key, { lastMs }] of this.#entries) if (nowMs - lastMs > this.#options.keptMs) this.#entries.delete(key)
  }

  keep(nowMs: number): KeptEdge[] {
    return [...this.#entries.values()].map(({ facts, firstMs, lastMs, count }) => ({
      ...facts,
      firstMs,
      lastMs,
      total: count.total,
      hours: count.hours(nowMs),
    }))
  }

  restore(kept: readonly KeptEdge[], savedMs: number): void {
    this.#restoredMs = savedMs
    for (const { firstMs, lastMs, total, hours, ...facts } of kept.slice(0, this.#options.edgesMax)) {
      const entry: Entry = { facts, firstMs, lastMs, count: new TrafficCount() }
      entry.count.restore({ total, hours, savedMs })
      this.#entries.set(keyOf(facts), entry)
    }
  }

  #add(owner: LedgerOwner, edge: TrafficEdge, added: number, nowMs: number): void {
    const { count: _, firstMs, lastMs, ...rest } = edge
    const facts = { ...rest, workload: owner.workload, serviceAccount: owner.serviceAccount }
    const key = keyOf(facts)
    let entry = this.#entries.get(key)
    if (!entry) {
      if (this.#entries.size >= this.#options.edgesMax) this.#evict()
      entry = { facts, firstMs, lastMs, count: new TrafficCount() }
      this.#entries.set(key, entry)
    }
    entry.firstMs = Math.min(entry.firstMs, firstMs)
    entry.lastMs = Math.max(entry.lastMs, lastMs)
    entry.count.add(added, nowMs)
    this.version++
  }

  #evict(): void {
    const oldest = [...this.#entries].sort(([, a], [, b]) => a.lastMs - b.lastMs)
    const many = Math.max(1, Math.floor(this.#options.edgesMax * evictedShare))
    for (const [key] of oldest.slice(0, many)) this.#entries.delete(key)
  }
}

function keyOf(facts: Entry['facts']): string {
  return `${facts.workload} ${facts.serviceAccount} ${formatTrafficKey(facts)}`
}

/** Who has no name but an address that only one has. */
function withCaller(edge: TrafficEdge, callerAt: (address: string) => string | undefined): TrafficEdge {
  if (edge.caller !== '' || edge.principal !== '' || !/\/(32|128)$/.test(edge.addressBlock)) return edge
  const caller = callerAt(edge.addressBlock.slice(0, edge.addressBlock.lastIndexOf('/')))
  return caller === undefined ? edge : { ...edge, caller }
}
