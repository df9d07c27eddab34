/** Lines out of chunks that are cut anywhere, also inside a character. */

/** etcd takes no object above 1.5 MB by default; JSON of it can be some times as long. */
const lineBytesMax = 16 << 20

export class LineSplitter {
  readonly #onLine: (line: string) => void
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** @throws RangeError when a line grows beyond every object. */
  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#pieces.push(chunk.subarray(start, end))
      const line = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
      this.#pieces = []
      this.#bytes = 0
      start = end + 1
      if (line.length > 0) this.#onLine(line.toString())
    }
    if (start === chunk.length) return
    this.#bytes += chunk.length - start
    if (this.#bytes > lineBytesMax) throw new RangeError(`a line is longer than ${lineBytesMax} bytes`)
    this.#pieces.push(chunk.subarray(start))
  }
}
