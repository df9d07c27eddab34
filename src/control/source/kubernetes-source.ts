/**
 * The source in a cluster: what the Kubernetes API holds, watched. The same snapshot shape as the file source; the first one comes
 * when every kind has been listed, so that nothing is told to be gone which was only not yet read.
 */
import type { KindName } from '#/api/kinds.ts'
import type { ApiClient } from '#/kubernetes/api-client.ts'
import { Reflector, type ReflectorState } from '#/kubernetes/reflector.ts'
import type { ApiObject } from '#/kubernetes/resource.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { Random } from '#/std/random.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import type { SourceSnapshot } from './file-source.ts'
import { resourcesOf, trimObject, watchedKinds } from './kubernetes-kind.ts'
import { KubernetesTable } from './kubernetes-table.ts'
import { ResourceTable } from './resource-table.ts'

export interface KubernetesSourceOptions {
  client: ApiClient
  clock: Clock
  log: Log
  random?: Random
}

/** A rolling update changes many objects within a moment: they are told together, ms after the first. */
const settleMs = 50

interface WatchedKind {
  table: KubernetesTable
  reflector: Reflector<ApiObject>
  isListed: boolean
}

export class KubernetesSource implements Watched<SourceSnapshot> {
  readonly #clock: Clock
  readonly #kinds = new Map<KindName, WatchedKind>()
  readonly #snapshot = new WatchedValue<SourceSnapshot>()
  #timer: Timer | undefined
  #isStopped = false

  /** Asks at once; `value` is there when all kinds were listed. */
  constructor({ client, clock, log, random }: KubernetesSourceOptions) {
    this.#clock = clock
    for (const kind of watchedKinds) {
      const table = new KubernetesTable(kind)
      const reflector = new Reflector<ApiObject>({
        client,
        versions: resourcesOf(kind),
        trim: (object) => trimObject(kind, object),
        sink: {
          onList: (objects) => this.#onList(kind, objects),
          onSet: (object) => this.#onChange(table.set(object)),
          onDelete: (object) => this.#onChange(table.delete(object)),
        },
        clock,
        log,
        ...(random ? { random } : {}),
      })
      this.#kinds.set(kind, { table, reflector, isListed: false })
    }
    for (const { reflector } of this.#kinds.values()) reflector.start()
  }

  get value(): SourceSnapshot | undefined {
    return this.#snapshot.value
  }

  subscribe(listener: (snapshot: SourceSnapshot) => void): () => void {
    return this.#snapshot.subscribe(listener)
  }

  /** How each kind's reading stands: for readiness and for people. */
  states(): Map<KindName, ReflectorState> {
    return new Map([...this.#kinds].map(([kind, { reflector }]) => [kind, reflector.state]))
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    for (const { reflector } of this.#kinds.values()) reflector.stop()
  }

  #onList(kind: KindName, objects: readonly ApiObject[]): void {
    const watched = this.#kinds.get(kind)!
    const isFirst = !watched.isListed
    watched.isListed = true
    this.#onChange(watched.table.replaceAll(objects) || isFirst)
  }

  #onChange(isChanged: boolean): void {
    if (!isChanged || this.#isStopped) return
    this.#timer ??= this.#clock.after(settleMs, () => {
      this.#timer = undefined
      this.#publish()
    })
  }

  #publish(): void {
    const watched = [...this.#kinds]
    if (watched.some(([, { isListed }]) => !isListed)) return
    const resources = new ResourceTable(new Map(watched.map(([kind, { table }]) => [kind, table.objects])))
    // No lint as for files: in a cluster a Service without pods is an everyday thing, and its author sees it elsewhere.
    this.#snapshot.set({ resources, faults: watched.flatMap(([, { table }]) => table.faults) })
  }
}
