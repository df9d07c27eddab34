/**
 * The event loops of a proxy with several, led by the main thread, which carries no traffic itself. It holds the one stream of
 * configuration, asks the loops for what somebody reads, and leads the drain. What is shared how: docs/decisions/0012.
 */
import type { TrafficDirection } from '#/model/listener.ts'
import type { Drainable } from '#/proxy/drain.ts'
import { Backoff } from '#/std/backoff.ts'
import type { Clock } from '#/std/clock.ts'
import type { Log, LogLevel } from '#/std/log.ts'
import type { Random } from '#/std/random.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import type { LoopThread, LoopThreadOwner } from './event-loop.ts'
import { EventLoop } from './event-loop.ts'
import { LimitTable, type LimitTableShape, newLimitTable } from './limit-table.ts'
import type { FactTopic, LoopReport } from './loop-message.ts'
import { RollCall } from './roll-call.ts'

export interface LoopSetOptions {
  /** 2 to 32. */
  loops: number
  spawn: (loop: number, limits: LimitTableShape, owner: LoopThreadOwner) => LoopThread
  source: ResourceSource
  clock: Clock
  random: Random
  log: Log
  onLogLine: (line: string) => void
  /** Whole lines of the access log. */
  onLines: (bytes: Uint8Array, lines: number) => void
  /** It has died: what it had counted since it told last is lost. */
  onLoopGone: (loop: number) => void
}

/** The first wait before a loop is started again, and the longest, ms. */
const restart = { initialMs: 100, maxMs: 10_000 }
/** A loop that says nothing for so long is left out of what is read, ms. */
const factsWaitMs = 1000
/** For the last lines of the access log, ms. */
const closeWaitMs = 1000

export class LoopSet implements Drainable {
  readonly #options: LoopSetOptions
  readonly #loops: readonly EventLoop[]
  readonly #marks = new RollCall()
  readonly #questions = new RollCall()
  readonly #farewell = new RollCall()
  /** Of the questions that are open, by loop. */
  readonly #facts = new Map<number, unknown[]>()
  readonly #limits: LimitTable
  #farewellId = 0
  #wasReady = false

  constructor(options: LoopSetOptions) {
    this.#options = options
    const shape = newLimitTable(options.loops)
    // Takes nothing itself: it wipes what the dead have held.
    this.#limits = new LimitTable(shape, 0)
    this.#loops = Array.from({ length: options.loops }, (_, loop) => this.#newLoop(loop, shape))
  }

  #newLoop(loop: number, limits: LimitTableShape): EventLoop {
    const { spawn, source, clock, random, log } = this.#options
    return new EventLoop({
      loop,
      spawn: (owner) => spawn(loop, limits, owner),
      source,
      backoff: new Backoff({ ...restart, random }),
      clock,
      log,
      onReport: (report) => this.#take(loop, report),
      onGone: () => this.#gone(loop),
    })
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  /** All loops have been ready. One that dies later does not take it back: the others serve. */
  get isReady(): boolean {
    this.#wasReady ||= this.#loops.every(({ isReady }) => isReady)
    return this.#wasReady
  }

  /** Why it is not ready, for a person; empty when it is. */
  get unreadiness(): string {
    if (this.isReady) return ''
    const { loop, detail } = this.#loops.find(({ isReady }) => !isReady)!
    return `event loop ${loop}: ${detail}`
  }

  get restarts(): number {
    return this.#loops.reduce((sum, { restarts }) => sum + restarts, 0)
  }

  /** Requests under way. A loop that has yet to tell may have one. */
  get active(): number {
    return this.#loops.reduce((sum, { active }) => sum + (active ?? 1), 0)
  }

  stopAccepting(direction: TrafficDirection): void {
    for (const loop of this.#loops) loop.order({ type: 'stop-accepting', direction })
  }

  drain(direction: TrafficDirection): void {
    for (const loop of this.#loops) {
      loop.expectEnd()
      if (!loop.isAlive) loop.active = 0
      loop.order({ type: 'drain', direction })
    }
  }

  setLogLevel(level: LogLevel): void {
    for (const loop of this.#loops) loop.order({ type: 'log-level', level })
  }

  /** @param done called when every loop has taken what it was told so far; in the order of the calls. */
  settle(done: () => void): void {
    const following = this.#loops.filter(({ isFollowing }) => isFollowing)
    const mark = this.#marks.begin(
      following.map(({ loop }) => loop),
      done,
    )
    for (const loop of following) loop.order({ type: 'mark', mark })
    this.#marks.settle()
  }

  /** @param done is given what each loop told, by its number; undefined for one that did not. */
  ask(topic: FactTopic, done: (facts: readonly unknown[]) => void): void {
    const asked = this.#loops.filter(({ isAlive }) => isAlive)
    const facts: unknown[] = this.#loops.map(() => undefined)
    const id = this.#questions.begin(
      asked.map(({ loop }) => loop),
      () => {
        late.cancel()
        this.#facts.delete(id)
        done(facts)
      },
    )
    const late = this.#options.clock.after(factsWaitMs, () => this.#questions.giveUp(id), true)
    this.#facts.set(id, facts)
    for (const loop of asked) loop.order({ type: 'tell', id, topic })
    this.#questions.settle()
  }

  /** Ends them with whatever is under way. @returns when the last lines of their access logs are there. */
  close(): Promise<void> {
    const alive = this.#loops.filter(({ isAlive }) => isAlive)
    return new Promise((resolve) => {
      this.#farewellId = this.#farewell.begin(
        alive.map(({ loop }) => loop),
        resolve,
      )
      this.#options.clock.after(closeWaitMs, () => this.#farewell.giveUp(this.#farewellId), true)
      for (const loop of this.#loops) {
        loop.expectEnd()
        loop.order({ type: 'close' })
      }
      this.#farewell.settle()
    })
  }

  #take(loop: number, report: LoopReport): void {
    const { onLogLine, onLines } = this.#options
    if (report.type === 'lines') onLines(report.bytes, report.lines)
    else if (report.type === 'stir') this.#stir(loop, report.key)
    else if (report.type === 'taken') this.#marks.answer(report.mark, loop)
    else if (report.type === 'log') onLogLine(report.line)
    else if (report.type === 'closed') this.#farewell.answer(this.#farewellId, loop)
    else if (report.type === 'told') {
      const facts = this.#facts.get(report.id)
      if (facts) facts[loop] = report.facts
      this.#questions.answer(report.id, loop)
    }
  }

  #stir(from: number, key: string): void {
    for (const loop of this.#loops) if (loop.loop !== from) loop.order({ type: 'stir', key })
  }

  #gone(loop: number): void {
    this.#limits.wipe(loop)
    this.#options.onLoopGone(loop)
    for (const calls of [this.#marks, this.#questions, this.#farewell]) calls.excuse(loop)
  }
}
