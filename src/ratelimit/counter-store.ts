/** Where counters are kept: in this process, or in Redis for several services together. */
import type { Limit } from './limit-tree.ts'

export interface CounterAsk {
  key: string
  limit: Limit
  /** 0 only looks. */
  hits: number
}

export interface CounterAnswer {
  isGranted: boolean
  remaining: number
  resetMs: number
}

export interface CounterStore {
  /** False while it is known to be away. */
  readonly isReady: boolean
  /** @returns one answer an ask, in their order. @throws when the store can't be asked in time. */
  take(asks: readonly CounterAsk[]): Promise<CounterAnswer[]>
  close(): void
}
