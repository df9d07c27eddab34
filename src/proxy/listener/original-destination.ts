/**
 * What a redirected connection was for: the address before the kernel's NAT, by `getsockopt(SO_ORIGINAL_DST)`
 * (linux/netfilter_ipv4.h, netfilter_ipv6/ip6_tables.h). Node has no such call, so libc's is called through koffi, which is
 * loaded only when a redirected listener exists.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { isIPv6 } from 'node:net'
import type { HostPort } from '#/std/host-port.ts'

const solIp = 0
const solIpv6 = 41
const soOriginalDst = 80

type GetSocketOption = (fd: number, level: number, name: number, value: Buffer, length: number[]) => number

let getSocketOption: GetSocketOption | undefined

function load(): GetSocketOption {
  const require = createRequire(import.meta.url)
  const koffi = require('koffi') as typeof import('koffi')
  const libc = koffi.load(null)
  return libc.func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)')
}

/** @throws when the machine can't tell: not Linux, or koffi can't be loaded. */
export function prepareOriginalDestination(): void {
  if (process.platform !== 'linux') throw new Error('redirected listeners need Linux')
  getSocketOption ??= load()
}

/**
 * @returns undefined when the connection was not redirected.
 * @throws when `prepareOriginalDestination` was not called.
 */
export function originalDestination(socket: Socket): HostPort | undefined {
  if (!getSocketOption) throw new Error('call prepareOriginalDestination before')
  const fd = (socket as unknown as { _handle?: { fd: number } })._handle?.fd
  if (fd === undefined || fd < 0) return undefined
  const local = socket.localAddress ?? ''
  // An IPv4 connection to an IPv6 socket has a mapped address and is known to the IPv4 tables.
  const isSix = isIPv6(local) && !local.startsWith('::ffff:')
  const address = Buffer.alloc(isSix ? 28 : 16)
  const length = [address.length]
  if (getSocketOption(fd, isSix ? solIpv6 : solIp, soOriginalDst, address, length) !== 0) return undefined
  const found = isSix ? readSockaddrIn6(address) : readSockaddrIn(address)
  const isOwn = found.port === socket.localPort && found.host === local.replace(/^::ffff:/, '')
  return isOwn ? undefined : found
}

/** struct sockaddr_in: family 2 bytes, port 2, address 4; port and address in network order. */
export function readSockaddrIn(bytes: Buffer): HostPort {
  return { host: bytes.subarray(4, 8).join('.'), port: bytes.readUInt16BE(2) }
}

/** struct sockaddr_in6: family 2 bytes, port 2, flow information 4, address 16. */
export function readSockaddrIn6(bytes: Buffer): HostPort {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(8 + i * 2).toString(16)).join(':')
  // The URL parser shortens an address as RFC 5952 says.
  return { host: new URL(`http://[${groups}]/`).hostname.slice(1, -1), port: bytes.readUInt16BE(2) }
}
