/** Ranges of IP addresses as numbers. IPv4 is compared as mapped into IPv6 (RFC 4291, section 2.5.5.2), so that there is one form. */
import { isIP } from 'node:net'
import type { IpBlock } from '#/model/access.ts'

const groups = 8
const mappedBits = 96

export class IpRange {
  readonly #network = new Uint16Array(groups)
  readonly #mask = new Uint16Array(groups)

  /** @throws RangeError when the block is none. */
  constructor({ address, prefixBits }: IpBlock) {
    const family = isIP(address)
    const bits = family === 4 ? prefixBits + mappedBits : prefixBits
    if (!readAddress(address, this.#network) || !Number.isInteger(prefixBits) || prefixBits < 0 || bits > groups * 16)
      throw new RangeError(`${address}/${prefixBits} is no range of IP addresses`)
    for (let group = 0; group < groups; group++) {
      const kept = Math.min(16, Math.max(0, bits - group * 16))
      this.#mask[group] = 0xffff << (16 - kept)
      this.#network[group]! &= this.#mask[group]!
    }
  }

  /** Text that is no address is in no range. */
  has(address: string): boolean {
    if (!readAddress(address, scratch)) return false
    for (let group = 0; group < groups; group++)
      if ((scratch[group]! & this.#mask[group]!) !== this.#network[group]) return false
    return true
  }
}

/** Filled and read within one call of `has`. */
const scratch = new Uint16Array(groups)

function readAddress(text: string, into: Uint16Array): boolean {
  const family = isIP(text)
  if (family === 0) return false
  into.fill(0)
  if (family === 4) {
    into[5] = 0xffff
    readIPv4(text, 0, into)
  } else readIPv6(text, into)
  return true
}

/** `isIP` has said that four numbers stand there. */
function readIPv4(text: string, start: number, into: Uint16Array): void {
  let value = 0
  let part = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x2e) {
      value = value * 256 + part
      part = 0
    } else part = part * 10 + code - 0x30
  }
  value = value * 256 + part
  into[6] = value >>> 16
  into[7] = value & 0xffff
}

/** What stands behind `::` is moved to the end when all is read; a zone (`%eth0`) is no part of the number. */
function readIPv6(text: string, into: Uint16Array): void {
  let group = 0
  let gap = -1
  let start = 0
  let value = 0
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0x25
    if (code === 0x2e) {
      readIPv4(text, start, into)
      shift(into, gap, group, groups - 2)
      return
    }
    if (code !== 0x3a && code !== 0x25) {
      value = value * 16 + digitOf(code)
      continue
    }
    if (at > start) into[group++] = value
    else if (code === 0x3a && at > 0) gap = group
    if (code === 0x25) break
    start = at + 1
    value = 0
  }
  shift(into, gap, group, groups)
}

/** With a dotted end the last two groups are in place already. */
function shift(into: Uint16Array, gap: number, group: number, end: number): void {
  if (gap < 0) return
  const count = group - gap
  into.copyWithin(end - count, gap, group)
  into.fill(0, gap, end - count)
}

function digitOf(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57
}
