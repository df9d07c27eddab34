/**
 * A process that is kept running: when it ends by itself it is started again, later each time.
 *
 *   stopped ──start──► running ──ends──► waiting ──time──► running
 *      ▲                  │                 │
 *      └──────stop────────┴────────stop─────┘
 */
import { Backoff } from '#/std/backoff.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Child, ChildExit } from './child.ts'

export interface KeptProcessOptions {
  /** Starts a new one. */
  launch: () => Child
  clock: Clock
  /** The first wait and the longest one, ms. */
  restartInitialMs: number
  restartMaxMs: number
  /** One that ran for this long, ms, starts over with the first wait. */
  stableMs?: number
  onStart?: (child: Child) => void
  /** It ended by itself; `waitMs` is the time until it is started again. */
  onCrash?: (exit: ChildExit, waitMs: number) => void
}

type State =
  | { name: 'stopped' }
  | { name: 'running'; child: Child; startedMs: number }
  | { name: 'waiting'; timer: Timer }

export class KeptProcess {
  readonly #options: KeptProcessOptions
  readonly #backoff: Backoff
  #state: State = { name: 'stopped' }
  #restarts = 0

  constructor(options: KeptProcessOptions) {
    this.#options = options
    this.#backoff = new Backoff({ initialMs: options.restartInitialMs, maxMs: options.restartMaxMs })
  }

  get pid(): number | undefined {
    return this.#state.name === 'running' ? this.#state.child.pid : undefined
  }

  get isRunning(): boolean {
    return this.#state.name === 'running'
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts
  }

  start(): void {
    if (this.#state.name !== 'stopped') return
    this.#launch()
  }

  /** SIGTERM, SIGKILL after `graceMs`; resolves when it has ended. */
  async stop(graceMs: number): Promise<void> {
    const state = this.#state
    this.#state = { name: 'stopped' }
    if (state.name === 'waiting') state.timer.cancel()
    if (state.name === 'running') await state.child.stop(graceMs)
  }

  #launch(): void {
    const { clock, launch, onStart } = this.#options
    const child = launch()
    this.#state = { name: 'running', child, startedMs: clock.monotonicMs() }
    child.exited.then((exit) => this.#ended(child, exit))
    onStart?.(child)
  }

  #ended(child: Child, exit: ChildExit): void {
    const state = this.#state
    if (state.name !== 'running' || state.child !== child) return
    const { clock, onCrash, stableMs = 10_000 } = this.#options
    if (clock.monotonicMs() - state.startedMs >= stableMs) this.#backoff.reset()
    const waitMs = this.#backoff.next()
    this.#restarts++
    this.#state = { name: 'waiting', timer: clock.after(waitMs, () => this.#launch()) }
    onCrash?.(exit, waitMs)
  }
}
