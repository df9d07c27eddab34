/**
 * Limits that all event loops of a process share, in memory that they share: how much of each limit every loop has taken, and
 * how many of its requests wait. A loop may use what the others do not; when they want it, each falls back to its part.
 *
 *   row: hash (two words) | loops that hold it, a bit each | taken, a word a loop | waiting, a word a loop
 *
 * A word is written by its loop alone, so that nothing has to be counted anew when a loop dies: its words are wiped. Rows are found
 * and made under a lock, a few hundred ns when the first connection to an endpoint is made; taking and giving need none.
 */

/** Rows; what finds none is limited to the loop's own part. */
const rowsMax = 2048
const hashWords = 2
const headWords = hashWords + 1

/** Handed to each loop at its start. */
export interface LimitTableShape {
  words: SharedArrayBuffer
  loops: number
}

/** @param loops 2 to 32. */
export function newLimitTable(loops: number): LimitTableShape {
  const words = 1 + rowsMax * (headWords + 2 * loops)
  return { words: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT), loops }
}

export class LimitTable {
  readonly #words: Int32Array
  readonly #loops: number
  readonly #loop: number
  readonly #rowWords: number
  readonly #open = new Map<string, SharedLimit>()
  /** Tells the other loops that this one wants some of a limit, or leaves some; they call `stir`. */
  onStir: (key: string) => void = () => undefined

  /** @param loop whose table this is, from 0. */
  constructor({ words, loops }: LimitTableShape, loop: number) {
    this.#words = new Int32Array(words)
    this.#loops = loops
    this.#loop = loop
    this.#rowWords = headWords + 2 * loops
  }

  /** The limit of that name, for `release` to give up. All who open it in this loop share it. */
  open(key: string): SharedLimit {
    let limit = this.#open.get(key)
    if (!limit) {
      limit = new SharedLimit({
        key,
        words: this.#words,
        row: this.#hold(key),
        loop: this.#loop,
        loops: this.#loops,
        onStir: () => this.onStir(key),
      })
      this.#open.set(key, limit)
    }
    limit.holders++
    return limit
  }

  /** Everything taken must have been given back by whoever opened it. */
  release(limit: SharedLimit): void {
    limit.holders--
    if (limit.holders > 0) return
    this.#open.delete(limit.key)
    limit.waiting = 0
    if (limit.row < 0) return
    this.#locked(() => Atomics.and(this.#words, limit.row + hashWords, ~(1 << this.#loop)))
  }

  /** Another loop wants some of it, or has left some. */
  stir(key: string): void {
    const limit = this.#open.get(key)
    for (const watcher of [...(limit?.watchers ?? [])]) watcher()
  }

  /** Takes back all that a loop held, which has ended. */
  wipe(loop: number): void {
    // It can't have let go of the lock; what it was about to write stands in its own words.
    Atomics.compareExchange(this.#words, 0, loop + 1, 0)
    for (let row = 1; row < this.#words.length; row += this.#rowWords) {
      Atomics.and(this.#words, row + hashWords, ~(1 << loop))
      Atomics.store(this.#words, row + headWords + loop, 0)
      Atomics.store(this.#words, row + headWords + this.#loops + loop, 0)
    }
  }

  /** @returns where the row begins, -1 when there is no room. */
  #hold(key: string): number {
    const [high, low] = hash(key)
    return this.#locked(() => {
      const row = this.#find(high, low)
      if (row < 0) return -1
      this.#words[row] = high
      this.#words[row + 1] = low
      Atomics.or(this.#words, row + hashWords, 1 << this.#loop)
      return row
    })
  }

  /** Its row, else the first that nobody holds on the way there. Rows that were used once stay on the way of others. */
  #find(high: number, low: number): number {
    const words = this.#words
    let free = -1
    for (let i = 0, at = (low >>> 0) % rowsMax; i < rowsMax; i++, at = (at + 1) % rowsMax) {
      const row = 1 + at * this.#rowWords
      const isHeld = words[row + hashWords] !== 0
      if (words[row] === high && words[row + 1] === low) return isHeld || free < 0 ? row : free
      if (!isHeld && free < 0) free = row
      if (words[row] === 0 && words[row + 1] === 0) return free
    }
    return free
  }

  /** Spins: whoever has the lock gives it back within a microsecond, or has died and is wiped by the main thread. */
  #locked<T>(run: () => T): T {
    while (Atomics.compareExchange(this.#words, 0, 0, this.#loop + 1) !== 0);
    try {
      return run()
    } finally {
      Atomics.store(this.#words, 0, 0)
    }
  }
}

interface SharedLimitOptions {
  key: string
  words: Int32Array
  row: number
  loop: number
  loops: number
  onStir: () => void
}

/** One limit, as one loop sees it. */
export class SharedLimit {
  readonly key: string
  /** Negative: there was no room in the table. */
  readonly row: number
  /** Called when another loop wants some of it, or has left some. */
  readonly watchers = new Set<() => void>()
  holders = 0
  readonly #words: Int32Array
  readonly #loop: number
  readonly #loops: number
  readonly #onStir: () => void
  #taken = 0
  #waiting = 0

  constructor({ key, words, row, loop, loops, onStir }: SharedLimitOptions) {
    this.key = key
    this.row = row
    this.#words = words
    this.#loop = loop
    this.#loops = loops
    this.#onStir = onStir
  }

  /** By this loop. */
  get taken(): number {
    return this.#taken
  }

  /** By all loops; where the table had no room, as if all had as much. */
  get total(): number {
    return this.row < 0 ? this.#taken * this.#loops : this.#sum(headWords)
  }

  /** What this loop may have whatever the others do; the parts of all loops make `max`. */
  part(max: number): number {
    return Math.floor(max / this.#loops) + (this.#loop < max % this.#loops ? 1 : 0)
  }

  /**
   * One more, unless all loops together have `max`, or this one has its part and others wait.
   * @returns false when there is none; `give` what was got.
   */
  take(max: number): boolean {
    if (this.#taken >= this.part(max) && (this.row < 0 || this.othersWaiting > 0)) return false
    this.#taken++
    if (this.row < 0) return true
    // Written before the others' are read: two loops at once may both be refused, never both be let through.
    this.#store(headWords, this.#taken)
    if (this.#sum(headWords) <= max) return true
    this.give()
    return false
  }

  give(): void {
    this.#taken--
    if (this.row >= 0) this.#store(headWords, this.#taken)
  }

  /** Whether `take` would be refused. */
  isFull(max: number): boolean {
    if (this.#taken >= this.part(max) && (this.row < 0 || this.othersWaiting > 0)) return true
    return this.row >= 0 && this.#sum(headWords) >= max
  }

  /**
   * Whether one that is free should be given back: another loop waits, and this one has more than its part.
   * @param isIdle nobody waits for it here, so that its part may go too where there is no more.
   */
  isOwed(max: number, isIdle: boolean): boolean {
    return this.othersWaiting > 0 && (this.#taken > this.part(max) || (isIdle && this.#sum(headWords) >= max))
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Requests of this loop that wait for some. */
  set waiting(count: number) {
    if (count === this.#waiting) return
    this.#waiting = count
    if (this.row >= 0) this.#store(headWords + this.#loops, count)
  }

  get othersWaiting(): number {
    return this.row < 0 ? 0 : this.#sum(headWords + this.#loops) - this.#waiting
  }

  /** Wakes the watchers of the other loops. */
  stir(): void {
    if (this.row >= 0) this.#onStir()
  }

  #store(offset: number, value: number): void {
    Atomics.store(this.#words, this.row + offset + this.#loop, value)
  }

  #sum(offset: number): number {
    const begin = this.row + offset
    let sum = 0
    for (let i = 0; i < this.#loops; i++) sum += Atomics.load(this.#words, begin + i)
    return sum
  }
}

/** FNV-1a twice, with different starts; never both 0, which an unused row has. */
function hash(key: string): [high: number, low: number] {
  let high = 0x811c9dc5
  let low = 0x01000193
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    high = Math.imul(high ^ unit, 0x01000193)
    low = Math.imul(low ^ (unit + 0x9e37), 0x85ebca6b)
  }
  low ^= low >>> 15
  return [high | 0 || 1, low | 0]
}
