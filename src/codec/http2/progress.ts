/** Since when something that counts has not moved. */
export class Progress {
  #count = -1
  #sinceMs = 0

  /** @returns for how long `count` has been what it is, ms; as far as one could see by looking. */
  stillMs(count: number, nowMs: number): number {
    if (count !== this.#count) {
      this.#count = count
      this.#sinceMs = nowMs
    }
    return nowMs - this.#sinceMs
  }
}
