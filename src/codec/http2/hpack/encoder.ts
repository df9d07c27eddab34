/** HPACK encoding (RFC 7541) into a buffer that all connections share; with a dynamic table, without Huffman (measured: it costs more than it saves inside a mesh). */
import { isKeptValue } from '../../http1/field.ts'
import { isFieldText } from '../../http1/syntax.ts'
import { entryOverheadBytes } from './decoder.ts'
import { type NameEntry, nameEntry, staticPathMax } from './name-entry.ts'
import { staticTable } from './tables.ts'

/** What a peer may put into the values of one name before we stop to index it: more different ones than hits. */
const unluckyInsertsMax = 16

/** What the dynamic table holds of one name. */
interface DynamicName {
  /** Value → number of its insertion. */
  readonly values: Map<string, number>
  last: number
  inserts: number
  hits: number
}

/** What stood at one place of the last blocks. Messages of one sender are alike: comparing comes before searching. */
interface Place {
  name: string
  entry: NameEntry
  value: string
  /** Of name and value in the static table; 0 when they are not there. */
  whole: number
  /** Of the insertion of name and value; -1 when they are not in the dynamic table. */
  inserted: number
  dynamic: DynamicName | undefined
}

/** Places that are remembered; blocks of more fields are searched for from there on. */
const placesMax = 64

let scratch = Buffer.allocUnsafeSlow(4096)
let used = 0

function room(bytes: number): void {
  if (used + bytes <= scratch.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, used + bytes))
  scratch.copy(larger, 0, 0, used)
  scratch = larger
}

function putInteger(value: number, prefixBits: number, flags: number): void {
  const max = (1 << prefixBits) - 1
  if (value < max) {
    scratch[used++] = flags | value
    return
  }
  scratch[used++] = flags | max
  let rest = value - max
  while (rest >= 128) {
    scratch[used++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  scratch[used++] = rest
}

function putString(text: string): void {
  const { length } = text
  room(length + 6)
  putInteger(length, 7, 0)
  // Measured: a call into the system costs as much as a loop over 16 characters.
  if (length > 16) {
    scratch.write(text, used, 'latin1')
    used += length
  } else for (let i = 0; i < length; i++) scratch[used++] = text.charCodeAt(i)
}

export class HpackEncoder {
  #limit: number
  readonly #limitMax: number
  #bytes = 0
  /** The smallest limit since the last block, which the peer must be told (RFC 7541 section 4.2); -1 when it did not change. */
  #toldLimit = -1
  /** A block was begun and not ended. */
  #isOpen = false
  #inserted = 0
  /** Oldest first, by the number of insertion, from `#evicted` on. */
  readonly #queue: { name: string; value: string }[] = []
  #evicted = 0
  readonly #names = new Map<string, DynamicName>()
  readonly #places: Place[] = []
  #at = 0

  /** @param tableBytesMax what we care to keep; the peer may allow less. */
  constructor(tableBytesMax = 4096) {
    this.#limitMax = tableBytesMax
    this.#limit = Math.min(4096, tableBytesMax)
    // Before the first block the peer assumes 4,096 (RFC 9113 section 6.5.2).
    if (this.#limit < 4096) this.#toldLimit = this.#limit
  }

  /** SETTINGS_HEADER_TABLE_SIZE of the peer. */
  setLimit(bytes: number): void {
    const limit = Math.min(bytes, this.#limitMax)
    if (limit === this.#limit) return
    this.#toldLimit = this.#toldLimit < 0 ? limit : Math.min(this.#toldLimit, limit)
    this.#limit = limit
    this.#evict(limit)
  }

  begin(): void {
    used = 0
    this.#at = 0
    // The last block was not sent (something in it can't be written): the peer's table lacks what it put into ours.
    if (this.#isOpen) this.#startOver()
    this.#isOpen = true
    if (this.#toldLimit < 0) return
    if (this.#toldLimit < this.#limit) putInteger(this.#toldLimit, 5, 0x20)
    putInteger(this.#limit, 5, 0x20)
    this.#toldLimit = -1
  }

  /** Name in lower case, value in Latin-1; the caller has checked both. */
  field(name: string, value: string): void {
    const place = this.#place(name)
    if (place !== undefined && this.#putSame(place, value)) return
    this.#put(place === undefined ? nameEntry(name) : place.entry, value, true, place)
  }

  /**
   * A field of a message; one about framing is passed over, for that is the codec's to say.
   * @returns false when its name or value can't be written: the block must not be sent.
   */
  messageField(name: string, value: string): boolean {
    const place = this.#place(name)
    if (place === undefined) return this.#putFound(nameEntry(name), value, undefined)
    return this.#putSame(place, value) || this.#putFound(place.entry, value, place)
  }

  /** What stood at that place last time. */
  #putSame(place: Place, value: string): boolean {
    // Values that are in no table are not compared: they differ each time.
    if (place.whole > 0) {
      if (place.value !== value) return false
      room(16)
      putInteger(place.whole, 7, 0x80)
      return true
    }
    if (place.inserted < this.#evicted || place.value !== value) return false
    place.dynamic!.hits++
    room(16)
    putInteger(staticTable.length + this.#inserted - place.inserted, 7, 0x80)
    return true
  }

  #putFound(entry: NameEntry, value: string, place: Place | undefined): boolean {
    if (entry.role === 'plain') return this.#put(entry, value, false, place)
    return entry.role !== 'pseudo' && entry.role !== 'invalid'
  }

  /** The next place, with that name; undefined behind the last one. */
  #place(name: string): Place | undefined {
    const at = this.#at++
    const place = this.#places[at]
    if (place !== undefined) {
      if (place.name === name) return place
      place.name = name
      place.entry = nameEntry(name)
      place.inserted = -1
      place.whole = 0
      return place
    }
    if (at >= placesMax) return undefined
    const made = { name, entry: nameEntry(name), value: '', whole: 0, inserted: -1, dynamic: undefined }
    this.#places.push(made)
    return made
  }

  /** Values in the tables were checked when they came there. */
  #put(entry: NameEntry, value: string, isChecked: boolean, place: Place | undefined): boolean {
    room(16)
    const whole = entry.name === ':path' && value.length > staticPathMax ? undefined : entry.staticValues?.get(value)
    if (whole !== undefined) {
      putInteger(whole, 7, 0x80)
      if (place !== undefined) {
        place.value = value
        place.whole = whole
      }
      return true
    }
    const dynamic = entry.isIndexable || entry.staticIndex === 0 ? this.#names.get(entry.name) : undefined
    const at = dynamic?.values.get(value)
    if (at !== undefined) {
      dynamic!.hits++
      putInteger(staticTable.length + this.#inserted - at, 7, 0x80)
      if (place !== undefined) remember(place, value, at, dynamic)
      return true
    }
    if (!isChecked && !(entry.isIndexable && isKeptValue(value)) && !isFieldText(value)) return false
    const bytes = entry.name.length + value.length + entryOverheadBytes
    const isUnlucky = dynamic !== undefined && dynamic.inserts - dynamic.hits > unluckyInsertsMax
    const isWorthIt = entry.isIndexable && bytes <= this.#limit / 2 && !isUnlucky
    if (isWorthIt) this.#putName(entry, dynamic, 6, 0x40)
    else this.#putName(entry, dynamic, 4, entry.isSensitive ? 0x10 : 0)
    putString(value)
    if (isWorthIt) this.#insert(entry.name, value, bytes)
    return true
  }

  /** By its place in a table where it stands there. */
  #putName({ name, staticIndex }: NameEntry, dynamic: DynamicName | undefined, prefixBits: number, flag: number): void {
    if (staticIndex > 0) putInteger(staticIndex, prefixBits, flag)
    else if (dynamic !== undefined && dynamic.last >= this.#evicted) {
      putInteger(staticTable.length + this.#inserted - dynamic.last, prefixBits, flag)
    } else {
      putInteger(0, prefixBits, flag)
      putString(name)
    }
  }

  /** Empties both tables: a limit of 0 is told first (RFC 7541 section 4.3). */
  #startOver(): void {
    this.#evict(0)
    this.#toldLimit = 0
  }

  /** The whole block, until the next `begin` of whichever encoder. */
  end(): Buffer {
    return this.take().subarray(0, used)
  }

  /** The same without a view made of it: `length` bytes of what is returned are the block. */
  take(): Buffer {
    this.#isOpen = false
    return scratch
  }

  /** Of the block so far. */
  get length(): number {
    return used
  }

  #insert(name: string, value: string, bytes: number): void {
    this.#evict(this.#limit - bytes)
    let dynamic = this.#names.get(name)
    if (dynamic === undefined) {
      dynamic = { values: new Map(), last: 0, inserts: 0, hits: 0 }
      this.#names.set(name, dynamic)
    }
    const number = this.#inserted++
    dynamic.values.set(value, number)
    dynamic.last = number
    dynamic.inserts++
    this.#queue.push({ name, value })
    this.#bytes += bytes
    // Names that are forgotten with their luck: a peer could send ever new ones.
    if (this.#names.size > 500) this.#forgetNames()
  }

  #forgetNames(): void {
    for (const [name, { values }] of this.#names) if (values.size === 0) this.#names.delete(name)
  }

  #evict(toBytes: number): void {
    while (this.#bytes > toBytes && this.#queue.length > 0) {
      const { name, value } = this.#queue.shift()!
      this.#bytes -= name.length + value.length + entryOverheadBytes
      const dynamic = this.#names.get(name)
      if (dynamic?.values.get(value) === this.#evicted) dynamic.values.delete(value)
      this.#evicted++
    }
  }
}

function remember(place: Place, value: string, inserted: number, dynamic: DynamicName | undefined): void {
  place.value = value
  place.whole = 0
  place.inserted = inserted
  place.dynamic = dynamic
}

const stateless = new HpackEncoder(0)
// Its table is empty whatever the peer allows, so that there is nothing to tell.
stateless.begin()

/** Encodes name, value, name, value. Nothing enters the peer's dynamic table. */
export function encodeHeaderBlock(list: readonly string[]): Buffer {
  stateless.begin()
  for (let i = 0; i < list.length; i += 2) stateless.field(list[i]!, list[i + 1]!)
  return Buffer.from(stateless.end())
}
