/** HPACK decoding (RFC 7541): header blocks to flat header lists, with a dynamic table of bounded size. */
import { isFieldText } from '../../http1/syntax.ts'
import { ownText } from '../../own-text.ts'
import { fieldsAddedMax } from '../field-list.ts'
import { decodeHuffman } from './huffman.ts'
import { LiteralMemory } from './literal-memory.ts'
import { staticTable } from './tables.ts'

/** A block that RFC 7541 forbids: the connection can't go on (COMPRESSION_ERROR). */
export class HpackFault extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'HpackFault'
  }
}

/** Every entry costs this many bytes beside its name and value (RFC 7541 section 4.1). */
export const entryOverheadBytes = 32

export interface HpackDecoderOptions {
  /** What our SETTINGS allow. */
  tableBytesMax: number
  /** Of a decoded block, with overhead. */
  listBytesMax: number
  /** Fields of a decoded block. */
  listCountMax?: number
  /**
   * A list that is too large is told by `isTooLarge`: the rest of the block is still read, for the table's sake. Otherwise it is
   * an HpackFault.
   */
  isLenient?: boolean
}

/** A field name in HTTP/2: a token in lower case (RFC 9113 section 8.2.1), or one that begins with a colon. */
const notInName = /[^!#$%&'*+\-.^_`|~0-9a-z]/

function isFieldName(name: string): boolean {
  if (name.charCodeAt(0) === 0x3a) return name.length > 1 && !notInName.test(name.slice(1))
  return name.length > 0 && !notInName.test(name)
}

/** Blank at an end is forbidden (RFC 9113 section 8.2.1): readers differ on whether it counts. */
function isFieldValue(value: string): boolean {
  if (value === '') return true
  const first = value.charCodeAt(0)
  const last = value.charCodeAt(value.length - 1)
  if (first === 0x20 || first === 0x09 || last === 0x20 || last === 0x09) return false
  return isFieldText(value)
}

/** Names seen lately that were found good, so that a name is looked at once; it gives each name one string, too. */
const goodNames = new Map<string, string>(staticTable.map(([name]) => [ownText(name), ownText(name)]))
const goodNamesMax = 1000
const goodNameLengthMax = 64
/** A list that was longer is let go of. */
const keptListMax = 256

/** Shared by all connections. */
const literals = new LiteralMemory()

export class HpackDecoder {
  readonly #tableBytesMax: number
  readonly #listBytesMax: number
  readonly #listCountMax: number
  readonly #isLenient: boolean
  #limit: number
  #bytes = 0
  /** A ring: the entry that came last is at `#newest`. */
  #names: string[] = new Array(16)
  #values: string[] = new Array(16)
  #newest = 0
  #count = 0
  #block: Buffer = Buffer.alloc(0)
  #position = 0
  #end = 0
  /** Why the last list is malformed, as HTTP/2 has it; empty when it is not. */
  malformed = ''
  /** The last list was cut: it has more fields or bytes than are allowed. */
  isTooLarge = false

  constructor({
    tableBytesMax,
    listBytesMax,
    listCountMax = Number.POSITIVE_INFINITY,
    isLenient,
  }: HpackDecoderOptions) {
    this.#tableBytesMax = tableBytesMax
    this.#listBytesMax = listBytesMax
    this.#listCountMax = listCountMax * 2
    this.#isLenient = isLenient ?? false
    this.#limit = tableBytesMax
  }

  /** Decodes a whole block: name, value, name, value. @throws HpackFault */
  decode(block: Uint8Array): string[] {
    const bytes = Buffer.isBuffer(block) ? block : Buffer.from(block.buffer, block.byteOffset, block.length)
    return this.list.slice(0, this.read(bytes, 0, bytes.length))
  }

  /** Of `read`, until the next one; behind its length there is always something for `copyFields` to copy. */
  readonly list: string[] = []

  /** As `decode`, into `list`. @returns how much of it is the block's. @throws HpackFault */
  read(block: Buffer, start: number, end: number): number {
    this.#block = block
    this.#position = start
    this.#end = end
    this.malformed = ''
    this.isTooLarge = false
    const { list } = this
    let count = 0
    let listBytes = 0
    while (this.#position < end) {
      const byte = block[this.#position]!
      if ((byte & 0xe0) === 0x20) {
        if (listBytes > 0) throw new HpackFault('a size update stands behind a field')
        this.#resize(this.#readInteger(5))
        continue
      }
      this.#readField(byte)
      listBytes += this.#name.length + this.#value.length + entryOverheadBytes
      if (listBytes <= this.#listBytesMax && count < this.#listCountMax) {
        list[count] = this.#name
        list[count + 1] = this.#value
        count += 2
      } else if (this.#isLenient) this.isTooLarge = true
      else throw new HpackFault(`a header list of more than ${this.#listBytesMax} bytes`)
    }
    if (list.length > keptListMax) list.length = Math.max(count, keptListMax)
    while (list.length < count + fieldsAddedMax) list.push('')
    return count
  }

  #name = ''
  #value = ''

  #readField(byte: number): void {
    if (byte & 0x80) {
      this.#takeEntry(this.#readInteger(7))
      return
    }
    const isIndexed = (byte & 0x40) !== 0
    const index = this.#readInteger(isIndexed ? 6 : 4)
    if (index === 0) {
      const name = this.#readString()
      const known = goodNames.get(name)
      this.#name = known ?? name
      if (known === undefined) this.#checkName(name)
    } else this.#takeEntry(index)
    // The next bit says that a value is never to be indexed (RFC 7541 section 6.2.3).
    this.#readValue(isIndexed || (byte & 0x10) === 0)
    // One that is malformed costs its stream, not the connection, so the table must go on as the peer's does.
    if (isIndexed) this.#insert(this.#name, this.#value)
  }

  #checkName(name: string): void {
    if (!isFieldName(name)) this.malformed ||= `${JSON.stringify(name)} is no name of a field in HTTP/2`
    else if (name.length <= goodNameLengthMax) {
      if (goodNames.size >= goodNamesMax) goodNames.clear()
      const own = ownText(name)
      goodNames.set(own, own)
      this.#name = own
    }
  }

  #takeEntry(index: number): void {
    if (index === 0) throw new HpackFault('index 0')
    if (index <= staticTable.length) {
      const entry = staticTable[index - 1]!
      this.#name = entry[0]
      this.#value = entry[1]
      return
    }
    const age = index - staticTable.length - 1
    if (age >= this.#count) throw new HpackFault(`index ${index} is beyond the tables`)
    const at = (this.#newest - age + this.#names.length) % this.#names.length
    this.#name = this.#names[at]!
    this.#value = this.#values[at]!
    if (this.#badEntries > 0 && !(isFieldName(this.#name) && isFieldValue(this.#value))) {
      this.malformed ||= `${JSON.stringify(this.#name)} is no field of HTTP/2`
    }
  }

  /** Entries that entered the table although they are malformed: then those that are used are looked at again. */
  #badEntries = 0

  #insert(name: string, value: string): void {
    const bytes = name.length + value.length + entryOverheadBytes
    this.#evict(this.#limit - bytes)
    if (bytes > this.#limit) return
    if (this.malformed !== '') this.#badEntries++
    if (this.#count === this.#names.length) this.#grow()
    this.#newest = (this.#newest + 1) % this.#names.length
    this.#names[this.#newest] = name
    // It is to be found again and again.
    this.#values[this.#newest] = ownText(value)
    this.#count++
    this.#bytes += bytes
  }

  #grow(): void {
    const names: string[] = []
    const values: string[] = []
    for (let age = this.#count - 1; age >= 0; age--) {
      const at = (this.#newest - age + this.#names.length) % this.#names.length
      names.push(this.#names[at]!)
      values.push(this.#values[at]!)
    }
    this.#newest = names.length - 1
    names.length *= 2
    values.length *= 2
    this.#names = names
    this.#values = values
  }

  #evict(toBytes: number): void {
    while (this.#count > 0 && this.#bytes > toBytes) {
      const oldest = (this.#newest - this.#count + 1 + this.#names.length) % this.#names.length
      this.#bytes -= this.#names[oldest]!.length + this.#values[oldest]!.length + entryOverheadBytes
      this.#names[oldest] = ''
      this.#values[oldest] = ''
      this.#count--
    }
  }

  #resize(bytes: number): void {
    if (bytes > this.#tableBytesMax)
      throw new HpackFault(`a table of ${bytes} bytes, ${this.#tableBytesMax} are allowed`)
    this.#limit = bytes
    this.#evict(bytes)
  }

  /** RFC 7541 section 5.1; more than 28 bits are refused. */
  #readInteger(prefixBits: number): number {
    const max = (1 << prefixBits) - 1
    let value = this.#block[this.#position++]! & max
    if (value < max) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#position >= this.#end) throw new HpackFault('an integer is cut short')
      const byte = this.#block[this.#position++]!
      value += (byte & 0x7f) << shift
      if ((byte & 0x80) === 0) return value
    }
    throw new HpackFault('an integer of more than 28 bits')
  }

  /** A value; one that was read lately, from whomever, is known to be good. */
  #readValue(mayBeKept: boolean): void {
    const start = this.#beginString()
    const end = this.#position
    const block = this.#block
    const place = mayBeKept ? literals.placeOf(block, start, end) : -1
    if (place >= 0) {
      const known = literals.find(place, block, start, end, this.#isHuffman)
      if (known !== undefined) {
        this.#value = known
        return
      }
    }
    const value = this.#textOf(start, end)
    this.#value = value
    if (!isFieldValue(value)) {
      this.malformed ||= `the value of ${JSON.stringify(this.#name)} holds a control character, or a blank at an end`
    } else if (place >= 0) literals.keep(place, block, start, end, this.#isHuffman, value)
  }

  #readString(): string {
    return this.#textOf(this.#beginString(), this.#position)
  }

  /** Of the string that begins. */
  #isHuffman = false

  /** Passes over a string. @returns where its bytes begin; they end at the new position. */
  #beginString(): number {
    if (this.#position >= this.#end) throw new HpackFault('a string is missing')
    this.#isHuffman = (this.#block[this.#position]! & 0x80) !== 0
    const length = this.#readInteger(7)
    const start = this.#position
    if (start + length > this.#end) throw new HpackFault('a string is cut short')
    this.#position = start + length
    return start
  }

  #textOf(start: number, end: number): string {
    if (!this.#isHuffman) return latin1(this.#block, start, end)
    const text = decodeHuffman(this.#block, start, end)
    if (text === undefined) throw new HpackFault('a string is no Huffman code')
    return text
  }
}

/** Measured: short strings are made faster here than by a call into the system, and a view of the bytes is not needed. */
function latin1(block: Buffer, start: number, end: number): string {
  if (end - start > 8) return block.toString('latin1', start, end)
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(block[i]!)
  return text
}
