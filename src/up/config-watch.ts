/** Tells what the control plane thinks of the configuration: faults, mended faults, and routes that came into force. */
import { type KindName, kinds } from '#/api/kinds.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import type { ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef } from '#/model/object-ref.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Announce, FaultReport } from './mesh-event.ts'

/** Looks are quick for a while after a change, then slow; ms. */
const quickMs = 150
const slowMs = 2000
const quickForMs = 10_000

export interface ConfigWatchOptions {
  /** URL of the control plane's HTTP API. */
  api: string
  clock: Clock
  announce: Announce
}

const routeKinds = (Object.keys(kinds) as KindName[]).filter((kind) => kind.endsWith('Route'))

export class ConfigWatch {
  readonly #options: ConfigWatchOptions
  #timer: Timer | undefined
  #changedMs = 0
  #isStopped = false
  /** By `KIND/NAMESPACE/NAME`. */
  #routes: ReadonlyMap<string, unknown> = new Map()
  #sourceFaults: readonly Fault[] = []
  #controlFaults: readonly Fault[] = []
  readonly #told = new Map<string, FaultReport>()
  /** Routes that were saved and are not yet in force everywhere. */
  readonly #pending = new Set<string>()

  constructor(options: ConfigWatchOptions) {
    this.#options = options
  }

  /** The files were read anew. */
  update(resources: Resources, faults: readonly Fault[]): void {
    const routes = new Map(
      routeKinds.flatMap((kind) => [...resources.of(kind)].map(([key, route]) => [`${kind}/${key}`, route] as const)),
    )
    const isFirst = this.#changedMs === 0
    for (const [object, route] of routes) {
      if (!isFirst && this.#routes.get(object) !== route) this.#pending.add(object)
    }
    this.#routes = routes
    this.#sourceFaults = faults
    this.#tellFaults()
    this.#changedMs = this.#options.clock.monotonicMs()
    // The control plane reads the same files at about the same time.
    this.#lookAfter(quickMs * 2)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #lookAfter(ms: number): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    this.#timer = this.#options.clock.after(ms, () => void this.#look(), true)
  }

  async #look(): Promise<void> {
    const faults = await this.#get<Fault[]>('/api/v1/faults')
    if (faults) {
      this.#controlFaults = faults
      this.#tellFaults()
    }
    if (this.#pending.size > 0) this.#tellLive((await this.#get<ObjectStatus[]>('/api/v1/status')) ?? [])
    const sinceMs = this.#options.clock.monotonicMs() - this.#changedMs
    this.#lookAfter(sinceMs < quickForMs ? quickMs : slowMs)
  }

  /** Undefined while the control plane does not answer. */
  async #get<T>(path: string): Promise<T | undefined> {
    try {
      const response = await fetch(this.#options.api + path, { signal: AbortSignal.timeout(2000) })
      return response.ok ? ((await response.json()) as T) : undefined
    } catch {
      // It is down, which is told by the one who keeps it running.
      return undefined
    }
  }

  #tellFaults(): void {
    if (this.#isStopped) return
    const now = new Map([...this.#sourceFaults, ...this.#controlFaults].map((fault) => [keyOf(fault), reportOf(fault)]))
    for (const [key, fault] of now) if (!this.#told.has(key)) this.#options.announce({ event: 'fault', ...fault })
    for (const [key, fault] of this.#told) if (!now.has(key)) this.#options.announce({ event: 'mended', ...fault })
    this.#told.clear()
    for (const [key, fault] of now) this.#told.set(key, fault)
  }

  #tellLive(statuses: readonly ObjectStatus[]): void {
    for (const { ref, parents } of statuses) {
      const object = formatObjectRef(ref)
      if (!this.#pending.has(object)) continue
      const words = parents.flatMap(({ conditions }) => conditions).find(({ type }) => type === 'Programmed')
      const [, live, needed] = /live on (\d+) of (\d+)/.exec(words?.message ?? '') ?? []
      if (live === undefined || live !== needed) continue
      this.#pending.delete(object)
      this.#options.announce({ event: 'live', object, live: Number(live), needed: Number(needed) })
    }
  }
}

export function reportOf({ origin, severity, code, object, field, message, cure }: Fault): FaultReport {
  const { file, line, column } = origin
  return { severity, code, object, file, line, column, field, message, cure }
}

function keyOf({ origin, code, field, message }: Fault): string {
  return [origin.file, origin.line, origin.column, code, field, message].join('\n')
}
