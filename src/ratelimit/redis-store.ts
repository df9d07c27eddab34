/**
 * Counters in Redis. What is asked while one batch is on its way goes with the next, and asks for one counter are one entry of it:
 * the hotter a key is, the less it costs. Away is told at once, and it is asked again as soon as it is back.
 */
import { createHash } from 'node:crypto'
import { createClient } from '@redis/client'
import type { Backoff } from '#/std/backoff.ts'
import type { Clock } from '#/std/clock.ts'
import type { CounterAnswer, CounterAsk, CounterStore } from './counter-store.ts'
import { windowScript } from './redis-script.ts'

export interface RedisStoreOptions {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  url: string
  /** In front of every key. */
  prefix: string
  /** Of one round trip, ms, above 0. */
  timeoutMs: number
  /** Asks that may wait for the next batch; more are refused at once. */
  waitingMax: number
  backoff: Backoff
  clock: Clock
  onState(isReady: boolean, detail: string): void
}

interface Waiting {
  ask: CounterAsk
  settle(answer: CounterAnswer): void
  fail(error: Error): void
}

const scriptHash = createHash('sha1').update(windowScript).digest('hex')

function newClient({ url, timeoutMs, backoff }: RedisStoreOptions) {
  return createClient({
    url,
    // What can't be asked now is answered without Redis, not kept for later.
    disableOfflineQueue: true,
    socket: { connectTimeout: Math.max(1000, timeoutMs), reconnectStrategy: () => backoff.next() },
  })
}

export class RedisStore implements CounterStore {
  readonly #options: RedisStoreOptions
  readonly #client: ReturnType<typeof newClient>
  #waiting: Waiting[] = []
  #isFlying = false
  #isReady = false
  /** Round trips, and asks that went with them: for metrics and tests. */
  batches = 0
  batchedAsks = 0

  constructor(options: RedisStoreOptions) {
    this.#options = options
    this.#client = newClient(options)
    this.#client.on('ready', () => {
      options.backoff.reset()
      this.#setReady(true, '')
    })
    this.#client.on('error', (error: Error) => this.#setReady(false, error.message))
    this.#client.on('end', () => this.#setReady(false, 'closed'))
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Begins to connect, and goes on for as long as it takes. */
  start(): void {
    this.#client.connect().catch((error: Error) => this.#setReady(false, error.message))
  }

  take(asks: readonly CounterAsk[]): Promise<CounterAnswer[]> {
    if (!this.#isReady) return Promise.reject(new Error('Redis is away'))
    if (this.#waiting.length + asks.length > this.#options.waitingMax)
      return Promise.reject(new Error('too many asks wait for Redis'))
    const answers = asks.map(
      (ask) => new Promise<CounterAnswer>((settle, fail) => this.#waiting.push({ ask, settle, fail })),
    )
    // All that this turn of the event loop brings goes together.
    if (!this.#isFlying) {
      this.#isFlying = true
      setImmediate(() => void this.#fly())
    }
    return Promise.all(answers)
  }

  close(): void {
    this.#client.destroy()
  }

  #setReady(isReady: boolean, detail: string): void {
    if (isReady === this.#isReady) return
    this.#isReady = isReady
    this.#options.onState(isReady, detail)
  }

  async #fly(): Promise<void> {
    while (this.#waiting.length > 0) {
      const groups = groupsOf(this.#waiting)
      this.batches++
      this.batchedAsks += this.#waiting.length
      this.#waiting = []
      try {
        share(groups, await this.#inTime(this.#run(groups)))
      } catch (error) {
        const cause = error instanceof Error ? error : new Error(String(error))
        for (const group of groups) for (const one of group) one.fail(cause)
      }
    }
    this.#isFlying = false
  }

  async #run(groups: readonly Waiting[][]): Promise<number[]> {
    const keys = groups.map(([first]) => this.#options.prefix + first!.ask.key)
    const numbers = groups.flatMap(([first, ...others]) => {
      const { limit, hits } = first!.ask
      return [limit.requests, limit.windowMs, hits, 1 + others.length].map(String)
    })
    const words = { keys, arguments: numbers }
    try {
      return (await this.#client.evalSha(scriptHash, words)) as number[]
    } catch (error) {
      // A Redis that was restarted does not know the script.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return (await this.#client.eval(windowScript, words)) as number[]
    }
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(this.#options.timeoutMs, () => {
        reject(new Error(`no answer from Redis within ${this.#options.timeoutMs} ms`))
      })
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  }
}

/** Asks for the same counter and as much stand together, in the order of their coming. */
function groupsOf(waiting: readonly Waiting[]): Waiting[][] {
  const groups = new Map<string, Waiting[]>()
  for (const one of waiting) {
    const { key, hits, limit } = one.ask
    const name = `${hits} ${limit.requests} ${key}`
    const group = groups.get(name)
    if (group) group.push(one)
    else groups.set(name, [one])
  }
  return [...groups.values()]
}

/** @param numbers granted, remaining, resetMs for each group. */
function share(groups: readonly Waiting[][], numbers: readonly number[]): void {
  groups.forEach((group, index) => {
    const [granted = 0, remaining = 0, resetMs = 0] = numbers.slice(index * 3)
    group.forEach(({ ask, settle }, place) => {
      // Those before the last that is granted left a little more behind.
      const left = remaining + Math.max(0, granted - 1 - place) * ask.hits
      settle({ isGranted: place < granted, remaining: left, resetMs })
    })
  })
}
