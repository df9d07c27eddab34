/** Addresses between their text and their bytes. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** @returns 4 or 16 bytes; undefined for what is no address. A zone (`%eth0`) is left out: it means nothing elsewhere. */
export function ipBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  const address = text.split('%')[0]!
  if (!isIPv6(address)) return undefined
  const lastColon = address.lastIndexOf(':')
  const tail = address.slice(lastColon + 1)
  if (!tail.includes('.')) return groupBytes(address)
  // The last 32 bits are written as IPv4 (RFC 4291 section 2.2).
  const [a, b, c, d] = tail.split('.').map(Number) as [number, number, number, number]
  return groupBytes(`${address.slice(0, lastColon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)
}

function groupBytes(address: string): Buffer {
  const [before, after] = address.split('::')
  const head = before ? before.split(':') : []
  const rest = after ? after.split(':') : []
  const zeros = new Array<string>(8 - head.length - rest.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...head, ...zeros, ...rest].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  return bytes
}

/** The inverse, IPv6 as RFC 5952 has it. @param bytes 4 or 16. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! * 256 + bytes[i + 1]!).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}
