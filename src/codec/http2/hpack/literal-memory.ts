/**
 * Values that stand in header blocks as literals and were seen before, by their bytes. Peers do not index what changes often, like
 * `:path`, yet it is mostly one of few: comparing the bytes saves decoding them, checking the text, and making it (measured: 60 ns
 * against 700 for a path in Huffman code). One memory for all connections of an event loop; a place holds one value, and
 * the next that falls there takes it over. What a sender marks as never to be indexed (RFC 7541 section 7.1.3) is not to be kept here.
 */
import { ownText } from '../../own-text.ts'

/** A power of two. */
const placeCount = 1024
/** Of the encoded value; longer ones come as they come. */
export const literalBytesMax = 64
/** Of the end of a value, where alike values differ. */
const hashedBytes = 12

export class LiteralMemory {
  readonly #bytes = Buffer.allocUnsafeSlow(placeCount * literalBytesMax)
  /** With the bit for Huffman code; 0 for an empty place. */
  readonly #lengths = new Uint8Array(placeCount)
  readonly #texts: string[] = new Array(placeCount).fill('')
  /** Found at least once since it came: then its text is the process's own copy, cheap to compare. */
  readonly #isOwn = new Uint8Array(placeCount)

  /** @returns the place of `block[start..end)`, to be given to `find` and `keep`; -1 when it is too long, or empty. */
  placeOf(block: Uint8Array, start: number, end: number): number {
    const length = end - start
    if (length > literalBytesMax || length === 0) return -1
    let hash = length
    for (let i = length > hashedBytes ? end - hashedBytes : start; i < end; i++) {
      hash = Math.imul(hash ^ block[i]!, 0x01000193)
    }
    return (hash ^ (hash >>> 15)) & (placeCount - 1)
  }

  /** @returns the text of these bytes, undefined when the place holds others. */
  find(place: number, block: Uint8Array, start: number, end: number, isHuffman: boolean): string | undefined {
    if (this.#lengths[place] !== marked(end - start, isHuffman)) return undefined
    const bytes = this.#bytes
    // From the end: values are alike at their beginnings.
    for (let i = end - 1, at = place * literalBytesMax + end - start - 1; i >= start; i--, at--) {
      if (block[i] !== bytes[at]) return undefined
    }
    if (this.#isOwn[place] === 0) {
      this.#texts[place] = ownText(this.#texts[place]!)
      this.#isOwn[place] = 1
    }
    return this.#texts[place]
  }

  keep(place: number, block: Uint8Array, start: number, end: number, isHuffman: boolean, text: string): void {
    const bytes = this.#bytes
    for (let i = start, at = place * literalBytesMax; i < end; i++, at++) bytes[at] = block[i]!
    this.#lengths[place] = marked(end - start, isHuffman)
    this.#texts[place] = text
    this.#isOwn[place] = 0
  }
}

function marked(length: number, isHuffman: boolean): number {
  return isHuffman ? length | 0x80 : length
}
