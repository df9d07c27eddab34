/** A line at the bottom of the terminal that moves while something is under way; other lines are written above it. */
import type { Clock, Timer } from '#/std/clock.ts'

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const frameMs = 80
const clearLine = '\r\x1b[2K'

export class Spinner {
  readonly #write: (text: string) => void
  readonly #clock: Clock
  readonly #columns: number
  #text = ''
  #frame = 0
  #timer: Timer | undefined

  constructor(options: { write: (text: string) => void; clock: Clock; columns: number }) {
    this.#write = options.write
    this.#clock = options.clock
    this.#columns = options.columns
  }

  /** Shows `text`, or changes it. */
  show(text: string): void {
    this.#text = text
    if (this.#timer) this.#draw()
    else this.#turn()
  }

  /** Writes whole lines above the spinner. */
  above(lines: string): void {
    this.#write(this.#timer ? `${clearLine}${lines}` : lines)
    if (this.#timer) this.#draw()
  }

  stop(): void {
    if (!this.#timer) return
    this.#timer.cancel()
    this.#timer = undefined
    this.#write(clearLine)
  }

  #turn(): void {
    this.#frame++
    this.#draw()
    this.#timer = this.#clock.after(frameMs, () => this.#turn(), true)
  }

  /** Cut to the width: a line that wraps could not be cleared. */
  #draw(): void {
    const text = [...`${frames[this.#frame % frames.length]} ${this.#text}`].slice(0, this.#columns - 1).join('')
    this.#write(`${clearLine}${text}`)
  }
}
