/** Where a caller without a name called from: its address for the first few, for more the block that they are likely to have in common. */

/** Addresses that are kept one by one. */
const addressesMax = 128

export class AddressBlocks {
  readonly #known = new Map<string, string>()

  /** @param address as a socket tells it. @returns CIDR. */
  blockOf(address: string): string {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    if (this.#known.size >= addressesMax) return addressBlockOf(address)
    const block = exactBlockOf(address)
    this.#known.set(address, block)
    return block
  }

  clear(): void {
    this.#known.clear()
  }
}

function exactBlockOf(address: string): string {
  const isMapped = address.startsWith('::ffff:') && address.includes('.')
  if (isMapped) return `${address.slice(7)}/32`
  return address.includes(':') ? `${address.replace(/%.*$/, '')}/128` : `${address || '?'}/32`
}

/** @param address as a socket tells it. @returns CIDR: 24 bits of IPv4, also mapped (RFC 4291, section 2.5.5.2), 64 of IPv6; `?` for anything else. */
export function addressBlockOf(address: string): string {
  const start = address.startsWith('::ffff:') ? 7 : 0
  const dot = address.lastIndexOf('.')
  if (dot > 0) return `${address.slice(start, dot)}.0/24`
  return address.includes(':') ? `${firstGroups(address)}/64` : '?'
}

/** The first four groups of an address, `::` written out. */
function firstGroups(address: string): string {
  const [left = '', right] = address.replace(/%.*$/, '').split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const groups = right === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail]
  const text = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${text.join(':')}::`.replace(/^0:0:0:0::$/, '::').replace(/(:0)+::$/, '::')
}
