/**
 * Writes ASN.1 in DER (ITU-T X.690): the dozen shapes that certificates, requests for them and revocation lists are made of.
 * Own code, since each sidecar needs it and a library of certificates would cost it megabytes (docs/decisions/0010-zero-trust.md).
 */

/** Universal tags (X.680 section 8.4), constructed bit included. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** One element: tag, length, contents. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { length }) => sum + length, 0)
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(length)]), ...contents])
}

/** The short form below 128, else as few octets as will do (X.690 section 10.1). */
function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [0x80 | octets.length, ...octets]
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return element(tags.sequence, ...contents)
}

export function set(...contents: readonly Uint8Array[]): Buffer {
  return element(tags.set, ...contents)
}

/** `[number]` with its element inside. */
export function explicit(number: number, content: Uint8Array): Buffer {
  return element(0xa0 | number, content)
}

/** A number of 0 or more, from its octets, highest first. */
export function integer(octets: Uint8Array): Buffer {
  let start = 0
  while (start < octets.length - 1 && octets[start] === 0) start++
  const bytes = octets.subarray(start)
  // A first bit would make it negative.
  return bytes[0]! >= 0x80 ? element(tags.integer, Buffer.of(0), bytes) : element(tags.integer, bytes)
}

/** A whole number from 0 to 127. */
export function smallInteger(value: number): Buffer {
  return element(tags.integer, Buffer.of(value))
}

export function boolean(value: boolean): Buffer {
  return element(tags.boolean, Buffer.of(value ? 0xff : 0))
}

/** `1.2.840.10045.2.1`. */
export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]]
  return element(tags.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(value: number): number[] {
  const octets = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift(0x80 | (rest & 0x7f))
  return octets
}

/** @param unusedBits of the last octet. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(tags.bitString, Buffer.of(unusedBits), bytes)
}

export function octetString(bytes: Uint8Array): Buffer {
  return element(tags.octetString, bytes)
}

export function utf8String(text: string): Buffer {
  return element(tags.utf8String, Buffer.from(text, 'utf8'))
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5); to the second, down. */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  const isShort = digits < '20500101000000Z' && digits >= '19500101000000Z'
  return isShort
    ? element(tags.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : element(tags.generalizedTime, Buffer.from(digits, 'latin1'))
}

/** `-----BEGIN LABEL-----`, lines of 64 (RFC 7468 section 2). */
export function formatPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
