/**
 * The header of the PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt): who the
 * client of a connection is, told by the proxy before it.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { HostPort } from '#/std/host-port.ts'
import { ipBytes, ipText } from './ip-bytes.ts'

export type ProxyVersion = 'v1' | 'v2'

/** From whom and to where a connection was made. */
export interface AddressPair {
  source: HostPort
  destination: HostPort
}

/** `more`: it goes on behind these bytes. `no`: these are no header. `length`: of the header, bytes. */
export type ProxyReading =
  | { type: 'more' }
  | { type: 'no'; detail: string }
  /** `addresses` is undefined for the proxy's own connections (LOCAL), and where they are unknown or none of TCP. */
  | { type: 'header'; length: number; addresses: AddressPair | undefined }

const more: ProxyReading = { type: 'more' }
const no = (detail: string): ProxyReading => ({ type: 'no', detail })

/** Section 2.1: the longest line with its CRLF. */
const lineBytesMax = 107
const lineStart = Buffer.from('PROXY ')
/** Section 2.2. */
const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const fixedBytes = 16
/** Of version 2 behind its fixed part, with all that it may tell beside the addresses; a client certificate is the longest. */
const payloadBytesMax = 8192

/** @param bytes all that has come so far, one or more. */
export function readProxyHeader(bytes: Buffer): ProxyReading {
  if (startsLike(bytes, signature)) return bytes.length < fixedBytes ? more : readBinary(bytes)
  if (startsLike(bytes, lineStart)) return readLine(bytes)
  return no('the connection does not begin with a PROXY header')
}

function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

// Version 1: a line.

function readLine(bytes: Buffer): ProxyReading {
  const end = bytes.indexOf('\r\n')
  if (end < 0) return bytes.length < lineBytesMax ? more : no('the line of PROXY is longer than 107 bytes')
  const length = end + 2
  if (length > lineBytesMax) return no('the line of PROXY is longer than 107 bytes')
  const line = bytes.toString('latin1', 0, end)
  // What stands behind UNKNOWN is to be ignored.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) {
    return { type: 'header', length, addresses: undefined }
  }
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = line.split(' ')
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIpv6 : undefined
  if (!isAddress || rest.length > 0) return no('the line of PROXY is none of its forms')
  if (!isAddress(source) || !isAddress(destination)) return no(`PROXY ${family} with an address of another kind`)
  if (!isPort(sourcePort) || !isPort(destinationPort)) return no('PROXY with a port that is none')
  const addresses = {
    source: { host: source.toLowerCase(), port: Number(sourcePort) },
    destination: { host: destination.toLowerCase(), port: Number(destinationPort) },
  }
  return { type: 'header', length, addresses }
}

const isPlainIpv6 = (text: string): boolean => isIPv6(text) && !text.includes('%')
const isPort = (text: string): boolean => /^(0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535

// Version 2: binary.

const commands = { local: 0x20, proxy: 0x21 }
/** Bytes of the addresses by family and transport; unspecified, of datagrams, and of Unix sockets too. */
const addressBytes: Record<number, number> = {
  0: 0,
  17: 12,
  18: 12,
  33: 36,
  34: 36,
  49: 216,
  50: 216,
}
const tcp4 = 17
const tcp6 = 33

function readBinary(bytes: Buffer): ProxyReading {
  const command = bytes[12]!
  const family = bytes[13]!
  const payload = bytes.readUInt16BE(14)
  if (command !== commands.local && command !== commands.proxy) return no('PROXY with a version or command unknown')
  const wanted = addressBytes[family]
  if (wanted === undefined) return no('PROXY with a family of addresses unknown')
  if (payload > payloadBytesMax) return no(`a PROXY header of more than ${payloadBytesMax} bytes`)
  if (command === commands.proxy && payload < wanted) return no('a PROXY header too short for its addresses')
  const length = fixedBytes + payload
  if (bytes.length < length) return more
  const isTcp = family === tcp4 || family === tcp6
  const addresses = command === commands.proxy && isTcp ? readPair(bytes, family === tcp4 ? 4 : 16) : undefined
  return { type: 'header', length, addresses }
}

function readPair(bytes: Buffer, width: number): AddressPair {
  const ports = fixedBytes + 2 * width
  return {
    source: { host: ipText(bytes.subarray(fixedBytes, fixedBytes + width)), port: bytes.readUInt16BE(ports) },
    destination: { host: ipText(bytes.subarray(fixedBytes + width, ports)), port: bytes.readUInt16BE(ports + 2) },
  }
}

// Writing.

/** @param addresses undefined for a connection of the proxy's own, or one that carries several clients' requests. */
export function formatProxyHeader(version: ProxyVersion, addresses: AddressPair | undefined): Buffer {
  const source = addresses && ipBytes(unmapped(addresses.source.host))
  const destination = addresses && ipBytes(unmapped(addresses.destination.host))
  if (!source || !destination) return version === 'v1' ? Buffer.from('PROXY UNKNOWN\r\n') : localHeader()
  const width = source.length === 4 && destination.length === 4 ? 4 : 16
  const pair = [widen(source, width), widen(destination, width)] as const
  const ports = [addresses.source.port, addresses.destination.port] as const
  if (version === 'v2') return binaryHeader(pair, ports)
  const family = width === 4 ? 'TCP4' : 'TCP6'
  return Buffer.from(`PROXY ${family} ${ipText(pair[0])} ${ipText(pair[1])} ${ports[0]} ${ports[1]}\r\n`)
}

/** IPv4 as a socket of both families tells it. */
function unmapped(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host
}

/** Two addresses of different families are told in the wider one (RFC 4291 section 2.5.5.2). */
function widen(address: Buffer, width: number): Buffer {
  if (address.length === width) return address
  const wide = Buffer.alloc(16)
  wide.fill(0xff, 10, 12)
  address.copy(wide, 12)
  return wide
}

function fixedPart(command: number, family: number, payload: number): Buffer {
  return Buffer.concat([signature, Buffer.from([command, family, payload >> 8, payload & 0xff])])
}

const localHeader = (): Buffer => fixedPart(commands.local, 0, 0)

function binaryHeader(pair: readonly [Buffer, Buffer], ports: readonly [number, number]): Buffer {
  const end = Buffer.alloc(4)
  end.writeUInt16BE(ports[0], 0)
  end.writeUInt16BE(ports[1], 2)
  const payload = Buffer.concat([...pair, end])
  return Buffer.concat([fixedPart(commands.proxy, pair[0].length === 4 ? tcp4 : tcp6, payload.length), payload])
}
