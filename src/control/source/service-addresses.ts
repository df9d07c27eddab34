/**
 * Addresses of Services that have none, where no API server gives them: a laptop mesh with network namespaces. A pure
 * function of the Services and the range, so that all who read the same files agree without a word.
 */
import { createHash } from 'node:crypto'
import type { Service } from '#/api/core.ts'
import type { Sourced } from './resources.ts'

type Services = ReadonlyMap<string, Sourced<Service>>

/** What was made of a Service with an address, so that an unchanged one stays identical. */
const addressed = new WeakMap<Sourced<Service>, { address: string; sourced: Sourced<Service> }>()

/**
 * @param range IPv4 addresses as `198.19.16.0/20`; the first and the last are not given away.
 * @throws Error when the range is none, or holds fewer addresses than there are Services.
 */
export function giveServiceAddresses(services: Services, range: string): Map<string, Sourced<Service>> {
  const { first, size } = parseRange(range)
  const taken = new Set(
    [...services.values()].flatMap(({ value: { spec } }) => spec.clusterIPs ?? spec.clusterIP ?? []),
  )
  const addresses = new Map<string, string>()
  for (const key of [...services.keys()].sort()) {
    if (!needsAddress(services.get(key)!.value)) continue
    const start = createHash('sha256').update(key).digest().readUInt32BE(0)
    let address: string | undefined
    for (let i = 0; i < size && address === undefined; i++) {
      const candidate = formatAddress(first + ((start + i) % size))
      if (!taken.has(candidate)) address = candidate
    }
    if (address === undefined) throw new Error(`${range} has too few addresses for ${services.size} Services`)
    taken.add(address)
    addresses.set(key, address)
  }
  return new Map([...services].map(([key, sourced]) => [key, withAddress(sourced, addresses.get(key))]))
}

function needsAddress({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && !spec.clusterIP && !spec.clusterIPs?.length
}

function withAddress(sourced: Sourced<Service>, address: string | undefined): Sourced<Service> {
  if (address === undefined) return sourced
  const known = addressed.get(sourced)
  if (known?.address === address) return known.sourced
  const { value, origin } = sourced
  const spec = { ...value.spec, clusterIP: address, clusterIPs: [address] }
  const made = { value: { ...value, spec }, origin, locate: (path: string) => sourced.locate(path) }
  addressed.set(sourced, { address, sourced: made })
  return made
}

function parseRange(range: string): { first: number; size: number } {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(range)
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match?.slice(1).map(Number) ?? []
  if (!match || Math.max(a, b, c, d) > 255 || bits < 8 || bits > 30)
    throw new Error(`${range}: expected A.B.C.D/8 to /30`)
  const size = 2 ** (32 - bits)
  const base = Math.floor((((a * 256 + b) * 256 + c) * 256 + d) / size) * size
  return { first: base + 1, size: size - 2 }
}

function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}
