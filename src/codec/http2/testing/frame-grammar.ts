/** Frames of a client by lot: mostly such as a client may send, in the notation of `frame-notation.ts`. */
import type { Random } from '#/std/random.ts'
import { pickIndex } from '#/std/random.ts'

const fields = [
  'x-a: 1',
  'content-length: 5',
  'content-length: 0',
  'cookie: a=1',
  'te: trailers',
  'host: a',
  'expect: 100-continue',
  ':method: POST',
  ':path: /b',
  'X-Upper: 1',
  'connection: close',
  ':late: 1',
]
const bodies = ['hello', 'x', '', '\\{y*300}']

export class FrameGrammar {
  readonly #random: Random
  #lastStream = -1

  constructor(random: Random) {
    this.#random = random
  }

  /** A conversation of up to 15 frames. */
  next(): string {
    this.#lastStream = -1
    return Array.from({ length: 1 + pickIndex(this.#random, 15) }, () => this.#frame()).join('\n')
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[pickIndex(this.#random, items.length)]!
  }

  #fields(): string {
    let text = ''
    // The first ones are harmless.
    for (let n = pickIndex(this.#random, 3); n > 0; n--) {
      text += `\n  ${this.#random() < 0.85 ? fields[pickIndex(this.#random, 5)]! : this.#pick(fields)}`
    }
    return text
  }

  #stream(): number {
    if (this.#lastStream < 0 || this.#random() < 0.03) return pickIndex(this.#random, 12)
    return this.#random() < 0.7 ? this.#lastStream : 1 + 2 * pickIndex(this.#random, (this.#lastStream + 1) / 2)
  }

  #end(odds: number): string {
    return this.#random() < odds ? ' END_STREAM' : ''
  }

  #open(): string {
    this.#lastStream += 2
    const padding = this.#random() < 0.1 ? ' PADDED(3)' : ''
    if (this.#random() < 0.15) {
      return [
        `HEADERS ${this.#lastStream}${this.#end(0.5)}`,
        '  :method: GET',
        '  :scheme: http',
        `CONTINUATION ${this.#lastStream} END_HEADERS`,
        '  :path: /',
        `  :authority: a${this.#fields()}`,
      ].join('\n')
    }
    const connect = this.#random() < 0.1 ? '\n  :method: CONNECT\n  :protocol: websocket' : ''
    return `REQUEST ${this.#lastStream}${padding}${this.#end(connect === '' ? 0.5 : 0)}${connect}${this.#fields()}`
  }

  #frame(): string {
    const lot = this.#random()
    if (this.#lastStream < 0 || lot < 0.3) return this.#open()
    if (lot < 0.6) {
      return `DATA ${this.#stream()}${this.#end(0.3)}${this.#random() < 0.1 ? ' PADDED(4)' : ''} ${this.#pick(bodies)}`
    }
    if (lot < 0.66) return `HEADERS ${this.#stream()} END_STREAM END_HEADERS\n  x-sum: 1`
    if (lot < 0.74) return `RST_STREAM ${this.#stream()} ${this.#pick(['CANCEL', 'NO_ERROR', 'INTERNAL_ERROR'])}`
    if (lot < 0.8) return `WINDOW_UPDATE ${this.#stream()} ${this.#pick([1, 100, 1000, 70_000])}`
    if (lot < 0.84) return `WINDOW_UPDATE 0 ${this.#pick([1, 1000])}`
    if (lot < 0.9)
      return `SETTINGS INITIAL_WINDOW_SIZE=${this.#pick([0, 10, 65_535])} HEADER_TABLE_SIZE=${this.#pick([0, 4096])}`
    if (lot < 0.94) return 'PING 12345678'
    if (lot < 0.96) return 'PRIORITY 3'
    if (lot < 0.98) return 'FRAME 250 ff 3 unknown'
    return this.#pick([
      'GOAWAY 0 NO_ERROR',
      'CONTINUATION 1 END_HEADERS\n  x-a: 1',
      'PING ACK 12345678',
      'FRAME 5 4 1 1234',
    ])
  }
}
