/**
 * Which addresses an isolated mesh uses: one sixteenth of 198.18.0.0/16 for pods and the same part of 198.19.0.0/16 for
 * Services, the range set aside for benchmarks (RFC 2544), which no real network uses.
 */
import { createHash } from 'node:crypto'
import { networkInterfaces } from 'node:os'

export interface AddressPlan {
  /** Short and the same each time: names of the bridge and the namespaces begin with `weft-ID`. */
  id: string
  /** `198.18.16.0/20` */
  pods: string
  services: string
  /** This machine on the bridge; the control plane listens there. */
  gateway: string
  /** A second address of this machine, from which readiness probes come. */
  prober: string
}

/** Each with 4094 addresses. */
const blocks = 16

/**
 * @param key of the mesh; the block depends on it, unless another mesh of this machine has that block.
 * @throws Error when all blocks are in use.
 */
export function planAddresses(key: string, used: ReadonlySet<string> = addressesInUse()): AddressPlan {
  const digest = createHash('sha256').update(key).digest()
  const id = digest.toString('hex').slice(0, 4)
  for (let i = 0; i < blocks; i++) {
    const third = ((digest[2]! + i) % blocks) * (256 / blocks)
    const gateway = `198.18.${third}.1`
    if (used.has(gateway)) continue
    const prober = `198.18.${third + 15}.254`
    return { id, pods: `198.18.${third}.0/20`, services: `198.19.${third}.0/20`, gateway, prober }
  }
  throw new Error(`all ${blocks} blocks of addresses for isolated meshes are in use`)
}

/** The pod with this number, 2 to 4093 (1 is the gateway, 4094 the prober). */
export function podAddress({ gateway }: AddressPlan, number: number): string {
  const third = Number(gateway.split('.')[2])
  return `198.18.${third + Math.floor(number / 256)}.${number % 256}`
}

export const podNumberMax = 4093

function addressesInUse(): Set<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)),
  )
}
