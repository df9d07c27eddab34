/**
 * The metrics of a process with several event loops: the numbers of all loops as one. A counter never goes back because a loop
 * died, or forgot a series that it had not used for long: what it had counted is kept, for as long as others count on.
 */
import type { FamilySource } from '../admin/admin-state.ts'
import type { Family, LabelList, Sample } from './family.ts'
import type { FamilySnapshot, MetricSnapshot } from './metric-snapshot.ts'
import { takeSnapshot } from './metric-snapshot.ts'

export interface MergedRegistryOptions {
  /** Of the main thread: its families come first, and those of the process are told by it alone. */
  own: FamilySource
  loops: number
  /** Clock.monotonicMs */
  nowMs: () => number
  /** What was counted by those who are gone is forgotten when nobody has counted on for so long, ms. */
  idleMs: number
  /** Of them, series a family at most. */
  seriesMax: number
}

interface Series {
  labels: LabelList
  values: Float64Array
  /** When a loop counted on, or this was kept. */
  usedMs: number
}

type SeriesByKey = Map<string, Series>

/** Of families that all loops would tell alike: they are the process's. */
const ofProcess = /^process_|_info$|^weft_proxy_xds_/
/** The worst loop speaks for all. */
const isWorst = /^nodejs_eventloop_lag|^weft_proxy_(overloaded|memory_limit_bytes)$/

export class MergedRegistry implements FamilySource {
  readonly #options: MergedRegistryOptions
  readonly #loops: MetricSnapshot[]
  /** By family: counts of loops that are gone, and of series that a loop has forgotten. */
  readonly #kept = new Map<string, SeriesByKey>()

  constructor(options: MergedRegistryOptions) {
    this.#options = options
    this.#loops = Array.from({ length: options.loops }, () => [])
  }

  /** What a loop tells now. */
  offer(loop: number, snapshot: MetricSnapshot): void {
    const now = new Map(snapshot.map((family) => [family.name, family]))
    for (const before of this.#loops[loop]!) this.#keepLost(before, now.get(before.name))
    this.#loops[loop] = snapshot
  }

  /** A loop has ended. */
  lose(loop: number): void {
    this.offer(loop, [])
  }

  get families(): Iterable<Family> {
    const merged = new Map<string, FamilySnapshot[]>()
    const add = (snapshot: MetricSnapshot): void => {
      for (const family of snapshot) {
        const same = merged.get(family.name)
        if (same) same.push(family)
        else merged.set(family.name, [family])
      }
    }
    const names = [...this.#options.own.families].map(({ name }) => name)
    for (const name of names) merged.set(name, [])
    add(takeSnapshot(this.#options.own.families))
    for (const loop of this.#loops) add(loop.filter(({ name }) => !ofProcess.test(name)))
    return [...merged.values()].flatMap((snapshots) => (snapshots.length > 0 ? [this.#merge(snapshots)] : []))
  }

  #merge(snapshots: readonly FamilySnapshot[]): Family {
    const { name, help, type, shape } = snapshots[0]!
    const all: SeriesByKey = new Map()
    const kept = this.#kept.get(name)
    const nowMs = this.#options.nowMs()
    for (const snapshot of snapshots) {
      for (const [key, series] of seriesOf(snapshot)) {
        combine(all, key, series, isWorst.test(name))
        const lost = kept?.get(key)
        if (lost) lost.usedMs = nowMs
      }
    }
    this.#forgetIdle(kept, nowMs)
    for (const [key, series] of kept ?? []) combine(all, key, series, false)
    return {
      name,
      help,
      type,
      *samples(): Iterable<Sample> {
        for (const { labels, values } of all.values()) {
          for (let i = 0; i < shape.length; i++) yield { ...shape[i]!, labels, value: values[i]! }
        }
      },
    }
  }

  /** Counts that a loop no longer tells. A gauge tells how things are, which is over. */
  #keepLost(before: FamilySnapshot, now: FamilySnapshot | undefined): void {
    if (before.type === 'gauge' || ofProcess.test(before.name)) return
    const present: SeriesByKey = now ? new Map(seriesOf(now)) : new Map()
    let kept = this.#kept.get(before.name)
    for (const [key, series] of seriesOf(before)) {
      // A series that was forgotten and came again begins at nothing.
      if (present.has(key) && present.get(key)!.values.at(-1)! >= series.values.at(-1)!) continue
      if (!kept) this.#kept.set(before.name, (kept = new Map()))
      if (kept.size >= this.#options.seriesMax && !kept.has(key)) continue
      combine(kept, key, { ...series, usedMs: this.#options.nowMs() }, false)
    }
  }

  #forgetIdle(kept: SeriesByKey | undefined, nowMs: number): void {
    for (const [key, { usedMs }] of kept ?? []) if (nowMs - usedMs > this.#options.idleMs) kept!.delete(key)
  }
}

function* seriesOf({ labels, values, shape }: FamilySnapshot): Generator<[key: string, Series]> {
  for (const [i, list] of labels.entries()) {
    const own = values.subarray(i * shape.length, (i + 1) * shape.length)
    yield [list.join('\0'), { labels: list, values: own, usedMs: 0 }]
  }
}

/** @param isMax the greater value counts, else they are added up. */
function combine(all: SeriesByKey, key: string, series: Series, isMax: boolean): void {
  const sum = all.get(key)
  if (!sum) {
    all.set(key, { ...series, values: series.values.slice() })
    return
  }
  for (const [i, value] of series.values.entries())
    sum.values[i] = isMax ? Math.max(sum.values[i]!, value) : sum.values[i]! + value
  sum.usedMs = Math.max(sum.usedMs, series.usedMs)
}
