/**
 * Reads ASN.1 in DER (ITU-T X.690), strictly: one encoding a value, nothing behind the end, no indefinite lengths. What is not so
 * is refused by `DerFault`; depth and size are bounded by who calls.
 */
import { tags } from './der-writer.ts'

/** The bytes are no DER, or not of the shape that was expected. */
export class DerFault extends Error {}

export interface DerElement {
  tag: number
  /** Between the length and the end. */
  content: Buffer
  /** Tag and length included. */
  whole: Buffer
}

/** Elements one behind the other, to the last byte. @throws DerFault */
export function readElements(bytes: Uint8Array): DerElement[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: DerElement[] = []
  for (let at = 0; at < all.length; ) {
    const element = readAt(all, at)
    found.push(element)
    at += element.whole.length
  }
  return found
}

/** The only element. @throws DerFault when it has another tag, or is not the only one. */
export function readOnly(bytes: Uint8Array, tag: number): DerElement {
  const [first, ...rest] = readElements(bytes)
  if (!first || rest.length > 0) throw new DerFault(`${rest.length + 1} elements in place of one`)
  return expectTag(first, tag)
}

/** @throws DerFault when it is missing or another. */
export function expectTag(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag === tag) return element
  const found = element ? `tag ${element.tag}` : 'nothing'
  throw new DerFault(`${found} in place of tag ${tag}`)
}

/** What a SEQUENCE holds. @throws DerFault */
export function readSequence(element: DerElement | undefined): DerElement[] {
  return readElements(expectTag(element, tags.sequence).content)
}

function readAt(bytes: Buffer, at: number): DerElement {
  const tag = bytes[at]!
  // Tags above 30 take more octets; none of ours do.
  if ((tag & 0x1f) === 0x1f) throw new DerFault('a tag of several octets')
  const { length, start } = readLength(bytes, at + 1)
  const end = start + length
  if (end > bytes.length) throw new DerFault('an element is longer than what holds it')
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) }
}

function readLength(bytes: Buffer, at: number): { length: number; start: number } {
  const first = bytes[at]
  if (first === undefined) throw new DerFault('an element without length')
  if (first < 0x80) return { length: first, start: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 3) throw new DerFault('an indefinite or huge length')
  if (at + count >= bytes.length) throw new DerFault('a length that is cut off')
  const length = bytes.readUIntBE(at + 1, count)
  const least = count === 1 ? 0x80 : 2 ** (8 * (count - 1))
  if (length < least) throw new DerFault('a length that could be told in fewer octets')
  return { length, start: at + 1 + count }
}

/** `1.2.840.10045.2.1`. @throws DerFault */
export function readOid(element: DerElement | undefined): string {
  const { content } = expectTag(element, tags.oid)
  const last = content[content.length - 1]
  if (last === undefined || last >= 0x80 || content.length > 32) throw new DerFault('an object identifier is cut off')
  const numbers: number[] = []
  let value = 0
  for (const octet of content) {
    if (value === 0 && octet === 0x80) throw new DerFault('an object identifier with padding')
    value = value * 128 + (octet & 0x7f)
    if (value > Number.MAX_SAFE_INTEGER) throw new DerFault('an object identifier is too long')
    if (octet >= 0x80) continue
    numbers.push(value)
    value = 0
  }
  const head = Math.min(2, Math.floor(numbers[0]! / 40))
  return [head, numbers[0]! - head * 40, ...numbers.slice(1)].join('.')
}

/** Octets of a BIT STRING whose bits are a multiple of eight, or all when `mayHaveUnused`. @throws DerFault */
export function readBitString(element: DerElement | undefined, mayHaveUnused = false): Buffer {
  const { content } = expectTag(element, tags.bitString)
  const unused = content[0]
  if (unused === undefined || unused > 7 || (unused > 0 && (!mayHaveUnused || content.length === 1)))
    throw new DerFault('a bit string of broken length')
  return content.subarray(1)
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime in the form of RFC 5280 section 4.1.2.5. @throws DerFault */
export function readTime(element: DerElement | undefined): number {
  const text = element?.content.toString('latin1') ?? ''
  const isShort = element?.tag === tags.utcTime
  if (!isShort) expectTag(element, tags.generalizedTime)
  if (!(isShort ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) throw new DerFault('a time of another form')
  const century = Number(text.slice(0, 2)) >= 50 ? '19' : '20'
  const digits = isShort ? century + text : text
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)!
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(ms)) throw new DerFault('a time that is none')
  return ms
}

/** The DER of each PEM block with that label, in order (RFC 7468). Text between blocks is ignored. @throws DerFault */
export function readPemBlocks(label: string, text: string): Buffer[] {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: Buffer[] = []
  for (let from = text.indexOf(begin); from >= 0; from = text.indexOf(begin, from)) {
    const to = text.indexOf(end, from)
    if (to < 0) throw new DerFault(`a PEM block of ${label} without its end`)
    const body = text.slice(from + begin.length, to).replace(/[\r\n\t ]/g, '')
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw new DerFault(`a PEM block of ${label} that is no base64`)
    blocks.push(Buffer.from(body, 'base64'))
    from = to + end.length
  }
  return blocks
}
