/**
 * The extensions of a chunk are read to be dropped (RFC 9112 section 7.1.1). Their grammar is checked all the same, without
 * the whitespace that it tolerates: what ends a line for one reader and not for another is how requests are smuggled.
 */
import { badMessage } from './fault.ts'
import { tokenTable } from './syntax.ts'

/**
 *   name ─"="─▶ value ─(quote)─▶ quoted ─(quote)─▶ after
 *    ▲ ";"        │               └─"\"─▶ escaped ─▶ quoted
 *    └────────────┴─────────────────────────────────── after
 */
type State = 'name' | 'value' | 'quoted' | 'escaped' | 'after'

export class ChunkExtension {
  readonly #bytesMax: number
  #bytes = 0
  #state: State = 'name'
  #length = 0

  /** @param bytesMax of all extensions of a body. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** A semicolon has come. */
  begin(): void {
    this.#enter('name')
    this.#bytes++
  }

  /** Takes one byte; true when it was the CR that ends the line. @throws FramingFault */
  read(code: number): boolean {
    if (++this.#bytes > this.#bytesMax) throw badMessage(`chunk extensions of more than ${this.#bytesMax} bytes`)
    switch (this.#state) {
      case 'name':
        if (tokenTable[code] === 1) this.#length++
        else if (code === 0x3d && this.#length > 0) this.#enter('value')
        else return this.#readEnd(code, this.#length > 0)
        return false
      case 'value':
        if (tokenTable[code] === 1) this.#length++
        else if (code === 0x22 && this.#length === 0) this.#enter('quoted')
        else return this.#readEnd(code, this.#length > 0)
        return false
      case 'quoted':
        if (code === 0x22) this.#enter('after')
        else if (code === 0x5c) this.#enter('escaped')
        else checkText(code)
        return false
      case 'escaped':
        checkText(code)
        this.#enter('quoted')
        return false
      case 'after':
        return this.#readEnd(code, true)
    }
  }

  #enter(state: State): void {
    this.#state = state
    this.#length = 0
  }

  #readEnd(code: number, mayEnd: boolean): boolean {
    if (!mayEnd || (code !== 0x0d && code !== 0x3b)) throw badMessage('a chunk extension is malformed')
    if (code === 0x3b) this.#enter('name')
    return code === 0x0d
  }
}

function checkText(code: number): void {
  if ((code < 0x20 && code !== 0x09) || code === 0x7f) throw badMessage('a chunk extension is malformed')
}
