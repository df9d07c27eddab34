/**
 * A kind's objects, kept in step with the API server: one list, then watches that each go on where the last one ended.
 *
 *   listing ──▶ watching ──ended──▶ watching (from the last version seen, also that of a bookmark)
 *      ▲           │ expired (410): history is gone
 *      ├───────────┘
 *      └── waiting ◀── any failure, with backoff; what is known stays in force
 *
 * A kind that the server does not know (its CRD is missing) is told as an empty list, and asked for again.
 */
import { Backoff } from '#/std/backoff.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type Random, systemRandom } from '#/std/random.ts'
import type { ApiClient } from './api-client.ts'
import { ApiError, watchError } from './api-error.ts'
import { type ApiObject, type Resource, resourcePath, resourceTitle } from './resource.ts'

export interface ReflectorSink<T> {
  /** All there is; what is not in it is gone. */
  onList(objects: T[]): void
  onSet(object: T): void
  onDelete(object: T): void
}

export interface ReflectorOptions<T> {
  client: ApiClient
  /** Versions of one kind, the preferred one first: the next is tried when the server does not know one. */
  versions: readonly Resource[]
  /** What is kept of an object. Called once an arrival, so that the rest never stays in memory. */
  trim(object: ApiObject): T
  sink: ReflectorSink<T>
  clock: Clock
  log: Log
  random?: Random
}

export type ReflectorState =
  | { type: 'listing' }
  | { type: 'watching' }
  /** The server does not have the kind. */
  | { type: 'absent' }
  /** Trying again; `reason` says what failed. */
  | { type: 'waiting'; reason: string }

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: ApiObject
}

interface ListPage {
  metadata: { resourceVersion: string; continue?: string }
  items: ApiObject[] | null
}

const pageObjectsMax = 500
/** The server ends a watch after so long, seconds; half as much again by chance, so that not all end at once. */
const watchSeconds = 300
/** Bookmarks come about every minute: three without a byte are a dead connection. */
const silenceMaxMs = 180_000
/** A server that ends each watch at once is not asked again at once, ms. */
const shortWatchMs = 1000
/** How often a kind that is absent is asked for, ms. */
const absentWaitMs = 10_000

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>
  readonly #random: Random
  readonly #backoff: Backoff
  readonly #abort = new AbortController()
  #state: ReflectorState = { type: 'listing' }
  #choice = 0
  #version: string | undefined
  #timer: Timer | undefined

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.#random = options.random ?? systemRandom
    this.#backoff = new Backoff({ initialMs: 500, maxMs: 30_000, random: this.#random })
  }

  get state(): ReflectorState {
    return this.#state
  }

  get resource(): Resource {
    return this.#options.versions[this.#choice]!
  }

  start(): void {
    void this.#step()
  }

  stop(): void {
    this.#abort.abort()
    this.#timer?.cancel()
  }

  /** One list or one watch, and then the next step at its time. */
  async #step(): Promise<void> {
    try {
      if (this.#version === undefined) await this.#list()
      const startMs = this.#options.clock.monotonicMs()
      await this.#watch(this.#version!)
      const isShort = this.#options.clock.monotonicMs() - startMs < shortWatchMs
      if (!isShort) this.#backoff.reset()
      this.#after(isShort ? this.#backoff.next() : this.#random() * 100)
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#recover(error)
    }
  }

  /** What follows a failure, and when. */
  #recover(error: unknown): void {
    if (error instanceof ApiError && error.isExpired) {
      this.#version = undefined
      this.#after(this.#random() * 1000)
    } else if (error instanceof ApiError && error.isNotFound) this.#tryNextVersion()
    else {
      const reason = error instanceof Error ? error.message : String(error)
      if (this.#state.type !== 'waiting') this.#options.log.warn('the Kubernetes API fails', { reason })
      this.#state = { type: 'waiting', reason }
      this.#after(Math.max(this.#backoff.next(), error instanceof ApiError ? error.retryAfterMs : 0))
    }
  }

  #tryNextVersion(): void {
    const { log, sink, versions } = this.#options
    this.#version = undefined
    this.#choice = (this.#choice + 1) % versions.length
    if (this.#choice === 0 && this.#state.type !== 'absent') {
      log.warn('the cluster does not have a kind', { kind: resourceTitle(this.resource) })
      this.#state = { type: 'absent' }
      sink.onList([])
    }
    this.#after(this.#choice === 0 ? absentWaitMs : 0)
  }

  #after(delayMs: number): void {
    if (this.#abort.signal.aborted) return
    this.#timer = this.#options.clock.after(delayMs, () => void this.#step())
  }

  /** Page by page, each trimmed before the next comes. */
  async #list(): Promise<void> {
    const { client, trim, sink } = this.#options
    const objects: T[] = []
    let next: string | undefined
    let version: string
    do {
      const page: ListPage = await client.request({
        method: 'GET',
        path: resourcePath(this.resource),
        query: { limit: pageObjectsMax, ...(next ? { continue: next } : {}) },
        what: `list ${resourceTitle(this.resource)}`,
        signal: this.#abort.signal,
      })
      for (const item of page.items ?? []) objects.push(trim(item))
      version = page.metadata.resourceVersion
      next = page.metadata.continue
    } while (next)
    this.#version = version
    this.#succeed()
    this.#backoff.reset()
    sink.onList(objects)
  }

  #succeed(): void {
    if (this.#state.type === 'waiting')
      this.#options.log.info('the Kubernetes API answers again', { kind: resourceTitle(this.resource) })
    this.#state = { type: 'watching' }
  }

  #watch(from: string): Promise<void> {
    const what = `watch ${resourceTitle(this.resource)}`
    const timeoutSeconds = Math.round(watchSeconds * (1 + this.#random() / 2))
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion: from, timeoutSeconds }
    const request = {
      method: 'GET',
      path: resourcePath(this.resource),
      query,
      what,
      signal: this.#abort.signal,
    } as const
    const onLine = (line: string): void => this.#take(JSON.parse(line) as WatchEvent, what)
    return this.#options.client.lines(request, { silenceMaxMs, onOpen: () => this.#succeed(), onLine })
  }

  #take({ type, object }: WatchEvent, what: string): void {
    const { trim, sink } = this.#options
    if (type === 'ERROR') throw watchError(what, object)
    this.#backoff.reset()
    if (type === 'ADDED' || type === 'MODIFIED') sink.onSet(trim(object))
    else if (type === 'DELETED') sink.onDelete(trim(object))
    this.#version = object.metadata.resourceVersion ?? this.#version
  }
}
