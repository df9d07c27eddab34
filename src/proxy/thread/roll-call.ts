/** Waits until each of several event loops has answered, or has ended; calls end in the order in which they began. */

interface Call {
  awaited: Set<number>
  onEnd: () => void
}

export class RollCall {
  readonly #calls = new Map<number, Call>()
  #lastId = 0

  /**
   * @param onEnd at once where there is nobody to wait for, and no call before it.
   * @returns what the loops answer with.
   */
  begin(loops: Iterable<number>, onEnd: () => void): number {
    const id = ++this.#lastId
    this.#calls.set(id, { awaited: new Set(loops), onEnd })
    return id
  }

  answer(id: number, loop: number): void {
    this.#calls.get(id)?.awaited.delete(loop)
    this.settle()
  }

  /** It will answer no call any more. */
  excuse(loop: number): void {
    for (const { awaited } of this.#calls.values()) awaited.delete(loop)
    this.settle()
  }

  /** Whoever has not answered is waited for no longer. */
  giveUp(id: number): void {
    this.#calls.get(id)?.awaited.clear()
    this.settle()
  }

  /** Ends the calls that all have answered. */
  settle(): void {
    for (const [id, { awaited, onEnd }] of this.#calls) {
      if (awaited.size > 0) return
      this.#calls.delete(id)
      onEnd()
    }
  }
}
