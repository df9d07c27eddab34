/**
 * Asks the sidecars for their ledgers, one after the other, a few at a time, again and again. A round that takes longer than the
 * interval is followed by the next at once, so that a large mesh is asked less often and no machine more than its share.
 */
import type { LedgerSource, TrafficDecision, TrafficReport } from '#/model/traffic.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { FetchReport } from './fetch-report.ts'
import type { LedgerOwner } from './traffic-book.ts'

/** Event loops whose decisions are told apart; more than sidecars of one control plane have. */
const sourcesMax = 50_000

export interface CollectedLedger {
  owner: LedgerOwner
  report: TrafficReport
  /** Those that were not told before. */
  decisions: readonly TrafficDecision[]
  /** Decisions that were made but gone before they were read. */
  lost: number
}

export interface TrafficCollectorOptions {
  /** Whom to ask: sidecars with the address of their admin endpoint. */
  sidecars: () => readonly (LedgerOwner & { admin: string })[]
  fetch: FetchReport
  onReport: (collected: CollectedLedger) => void
  /** After each round. @param present nodes that there are. */
  onRound: (present: ReadonlySet<string>) => void
  /** By source of decisions, the last one that an earlier run has read. */
  read?: ReadonlyMap<string, number>
  clock: Clock
  /** Between rounds, ms. */
  intervalMs: number
  /** At a time. */
  parallel: number
}

export class TrafficCollector {
  readonly #options: TrafficCollectorOptions
  readonly #sources = new Map<string, LedgerSource>()
  /** By source of decisions: the last that was read. */
  readonly #read: Map<string, number>
  #round: Promise<void> | undefined
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: TrafficCollectorOptions) {
    this.#options = options
    this.#read = new Map(options.read)
  }

  start(): void {
    const { clock, intervalMs } = this.#options
    this.#timer = clock.after(intervalMs, () => void this.collect().then(() => this.#isStopped || this.start()), true)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  get sources(): LedgerSource[] {
    return [...this.#sources.values()]
  }

  /** One round; who asks while there is one waits for that. Never rejects. */
  collect(): Promise<void> {
    this.#round ??= this.#collect().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  async #collect(): Promise<void> {
    const sidecars = this.#options.sidecars()
    const waiting = [...sidecars]
    const ask = async (): Promise<void> => {
      for (let next = waiting.shift(); next && !this.#isStopped; next = waiting.shift()) await this.#ask(next)
    }
    await Promise.all(Array.from({ length: this.#options.parallel }, ask))
    if (this.#isStopped) return
    const present = new Set(sidecars.map(({ node }) => node))
    for (const node of this.#sources.keys()) if (!present.has(node)) this.#sources.delete(node)
    this.#forgetRead()
    this.#options.onRound(present)
  }

  async #ask({ admin, ...owner }: LedgerOwner & { admin: string }): Promise<void> {
    const { node, workload } = owner
    const outcome = await this.#options.fetch(admin)
    const toldMs = this.#sources.get(node)?.toldMs ?? 0
    if (outcome.state !== 'told') {
      this.#sources.set(node, { node, workload, state: outcome.state, toldMs, detail: outcome.detail })
      return
    }
    const { report } = outcome
    this.#sources.set(node, { node, workload, state: 'told', toldMs: this.#options.clock.wallMs(), detail: '' })
    this.#options.onReport({ owner, report, ...this.#newDecisions(report.decisions) })
  }

  #newDecisions(all: readonly TrafficDecision[]): Pick<CollectedLedger, 'decisions' | 'lost'> {
    let lost = 0
    const decisions = [...all]
      .sort((a, b) => a.sequence - b.sequence)
      .filter(({ source, sequence }) => {
        const last = this.#read.get(source) ?? 0
        if (sequence <= last) return false
        lost += sequence - last - 1
        // Set anew, so that those read last stand last.
        this.#read.delete(source)
        this.#read.set(source, sequence)
        return true
      })
    return { decisions: decisions.sort((a, b) => a.atMs - b.atMs), lost }
  }

  #forgetRead(): void {
    for (const source of this.#read.keys()) {
      if (this.#read.size <= sourcesMax) return
      this.#read.delete(source)
    }
  }
}
