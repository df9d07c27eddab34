/** HPACK decoding (RFC 7541): header blocks to flat header lists, with a dynamic table of bounded size. */
import { decodeHuffman } from './huffman.ts'
import { staticTable } from './tables.ts'

/** A block that RFC 7541 forbids: the connection can't go on (COMPRESSION_ERROR). */
export class HpackFault extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'HpackFault'
  }
}

/** Every entry costs this many bytes beside its name and value (RFC 7541 section 4.1). */
const entryOverheadBytes = 32

export class HpackDecoder {
  readonly #tableBytesMax: number
  readonly #listBytesMax: number
  #limit: number
  #bytes = 0
  /** Newest first. */
  #entries: { name: string; value: string }[] = []
  #block: Uint8Array = new Uint8Array()
  #position = 0

  /** @param options.tableBytesMax what our SETTINGS allow; @param options.listBytesMax of a decoded block, with overhead. */
  constructor(options: { tableBytesMax: number; listBytesMax: number }) {
    this.#tableBytesMax = options.tableBytesMax
    this.#listBytesMax = options.listBytesMax
    this.#limit = options.tableBytesMax
  }

  /** Decodes a whole block: name, value, name, value. @throws HpackFault */
  decode(block: Uint8Array): string[] {
    this.#block = block
    this.#position = 0
    const list: string[] = []
    let listBytes = 0
    while (this.#position < block.length) {
      const byte = block[this.#position]!
      if ((byte & 0xe0) === 0x20) {
        if (list.length > 0) throw new HpackFault('a size update stands behind a field')
        this.#resize(this.#readInteger(5))
        continue
      }
      const before = list.length
      this.#readField(byte, list)
      listBytes += list[before]!.length + list[before + 1]!.length + entryOverheadBytes
      if (listBytes > this.#listBytesMax) throw new HpackFault(`a header list of more than ${this.#listBytesMax} bytes`)
    }
    return list
  }

  #readField(byte: number, list: string[]): void {
    if (byte & 0x80) {
      const { name, value } = this.#entryAt(this.#readInteger(7))
      list.push(name, value)
      return
    }
    const isIndexed = (byte & 0x40) !== 0
    const index = this.#readInteger(isIndexed ? 6 : 4)
    const name = index === 0 ? this.#readString() : this.#entryAt(index).name
    const value = this.#readString()
    list.push(name, value)
    if (isIndexed) this.#insert(name, value)
  }

  #entryAt(index: number): { name: string; value: string } {
    if (index === 0) throw new HpackFault('index 0')
    if (index <= staticTable.length) {
      const [name, value] = staticTable[index - 1]!
      return { name, value }
    }
    const entry = this.#entries[index - staticTable.length - 1]
    if (!entry) throw new HpackFault(`index ${index} is beyond the tables`)
    return entry
  }

  #insert(name: string, value: string): void {
    const bytes = name.length + value.length + entryOverheadBytes
    this.#evict(this.#limit - bytes)
    if (bytes > this.#limit) return
    this.#entries.unshift({ name, value })
    this.#bytes += bytes
  }

  #evict(toBytes: number): void {
    while (this.#bytes > Math.max(0, toBytes)) {
      const entry = this.#entries.pop()!
      this.#bytes -= entry.name.length + entry.value.length + entryOverheadBytes
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
      const byte = this.#block[this.#position++]
      if (byte === undefined) throw new HpackFault('an integer is cut short')
      value += (byte & 0x7f) << shift
      if ((byte & 0x80) === 0) return value
    }
    throw new HpackFault('an integer of more than 28 bits')
  }

  #readString(): string {
    const first = this.#block[this.#position]
    if (first === undefined) throw new HpackFault('a string is missing')
    const length = this.#readInteger(7)
    const start = this.#position
    const end = start + length
    if (end > this.#block.length) throw new HpackFault('a string is cut short')
    this.#position = end
    if ((first & 0x80) === 0)
      return Buffer.from(this.#block.buffer, this.#block.byteOffset + start, length).toString('latin1')
    const text = decodeHuffman(this.#block, start, end)
    if (text === undefined) throw new HpackFault('a string is no Huffman code')
    return text
  }
}
