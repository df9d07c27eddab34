/** A connection with what its pool knows of it. */
import type { ClientConnection, ClientConnectionOwner } from '#/codec/stream.ts'

/** The pool, told which of its connections speaks. */
export interface PooledConnectionOwner {
  onRoom(entry: PooledConnection): void
  onGone(entry: PooledConnection): void
}

export class PooledConnection implements ClientConnectionOwner {
  readonly #owner: PooledConnectionOwner
  readonly isMultiplexed: boolean
  /** Clock.monotonicMs. */
  readonly openedMs: number
  /** Set at once by the pool: a connection wants its owner when it is made. */
  connection!: ClientConnection
  /** Among those that can take a request. */
  isListed = false
  /** When it was last seen to have requests under way, Clock.monotonicMs. */
  usedMs: number
  /** It has carried a request before. */
  isReused = false

  constructor(owner: PooledConnectionOwner, options: { isMultiplexed: boolean; openedMs: number }) {
    this.#owner = owner
    this.isMultiplexed = options.isMultiplexed
    this.openedMs = options.openedMs
    this.usedMs = options.openedMs
  }

  onIdle(): void {
    this.#owner.onRoom(this)
  }

  onClosed(): void {
    this.#owner.onGone(this)
  }
}
