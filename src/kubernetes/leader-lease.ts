/**
 * One leader among replicas, by a Lease. Clocks of replicas are never compared: a Lease has expired when this replica saw it
 * unchanged for its whole duration, by its own clock. A leader that can't renew steps down before others may follow.
 */
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import type { ApiClient } from './api-client.ts'
import { ApiError } from './api-error.ts'
import type { ApiObject, Resource } from './resource.ts'

export const leaseResource: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  isNamespaced: true,
}

interface Lease extends ApiObject {
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

export interface LeaderLeaseOptions {
  client: ApiClient
  namespace: string
  name: string
  /** Of this replica, unlike any other's: its pod's name. */
  holder: string
  /** Others follow after so long without renewal, ms; a multiple of 1000. */
  durationMs?: number
  clock: Clock
  log: Log
}

export class LeaderLease {
  readonly #options: Required<LeaderLeaseOptions>
  readonly #isLeader = new WatchedValue<boolean>(false)
  #seen: { version: string; atMs: number } | undefined
  #renewedMs = 0
  #held: Lease | undefined
  #timer: Timer | undefined
  #turn: Promise<void> | undefined
  #isStopped = false

  constructor(options: LeaderLeaseOptions) {
    this.#options = { durationMs: 15_000, ...options }
    this.#plan(0)
  }

  get isLeader(): Watched<boolean> {
    return this.#isLeader
  }

  /** Gives leadership up, so that another may take it at once. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#turn
    const held = this.#held
    this.#isLeader.set(false)
    if (!held) return
    this.#held = undefined
    try {
      await this.#options.client.replace(leaseResource, { ...held, spec: { ...held.spec, holderIdentity: '' } })
    } catch (error) {
      this.#options.log.debug('the lease was not released', { reason: textOf(error) })
    }
  }

  #plan(delayMs: number): void {
    if (this.#isStopped) return
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#turn = this.#take()
    })
  }

  async #take(): Promise<void> {
    const { clock, durationMs, log } = this.#options
    const startMs = clock.monotonicMs()
    try {
      this.#held = await this.#acquire()
      if (this.#held) this.#renewedMs = startMs
    } catch (error) {
      if (!(error instanceof ApiError && error.isConflict))
        log.debug('the lease was not renewed', { reason: textOf(error) })
      if (error instanceof ApiError && error.isConflict) this.#held = undefined
    }
    // Two thirds: the rest is for a clock that runs slower than the others'.
    const isHeld = this.#held !== undefined && clock.monotonicMs() - this.#renewedMs < (durationMs * 2) / 3
    if (!isHeld) this.#held = undefined
    if (isHeld !== this.#isLeader.value) log.info(isHeld ? 'this replica leads' : 'this replica leads no more', {})
    this.#isLeader.set(isHeld)
    this.#plan(durationMs / 6)
  }

  /** @returns the Lease when it is ours. @throws ApiError, a conflict when another was faster. */
  async #acquire(): Promise<Lease | undefined> {
    const { client, namespace, name, holder, clock, durationMs } = this.#options
    const present = await this.#read()
    const now = new Date(clock.wallMs()).toISOString().replace('Z', '000Z')
    const spec = { holderIdentity: holder, leaseDurationSeconds: durationMs / 1000, renewTime: now }
    if (!present) {
      const metadata = { name, namespace }
      const object = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata,
        spec: { ...spec, acquireTime: now },
      }
      return client.create<Lease>(leaseResource, object)
    }
    const isOwn = present.spec.holderIdentity === holder
    if (!isOwn && !this.#isFree(present)) return undefined
    const taken = isOwn ? {} : { acquireTime: now, leaseTransitions: (present.spec.leaseTransitions ?? 0) + 1 }
    return client.replace<Lease>(leaseResource, { ...present, spec: { ...present.spec, ...spec, ...taken } })
  }

  async #read(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options
    try {
      return await client.get<Lease>(leaseResource, { namespace, name })
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return undefined
      throw error
    }
  }

  #isFree({ metadata, spec }: Lease): boolean {
    if (!spec.holderIdentity) return true
    const nowMs = this.#options.clock.monotonicMs()
    const version = metadata.resourceVersion ?? ''
    if (this.#seen?.version !== version) this.#seen = { version, atMs: nowMs }
    return nowMs - this.#seen.atMs >= (spec.leaseDurationSeconds ?? 0) * 1000
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
