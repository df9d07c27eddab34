/** Which proxy shows a leaf of which signing certificate, as far as is known: what a rotation of the root waits for. */
import type { X509Certificate } from 'node:crypto'

/** Proxies that are remembered; the one unseen for longest makes room. */
const proxiesMax = 100_000

export class LeafBook {
  /** Node id → its present leaf. */
  readonly #leaves = new Map<string, X509Certificate>()
  /** Serial number → node id, to know who renews by a leaf. */
  readonly #owners = new Map<string, string>()

  /** `node` shows `leaf`. An older one than the known changes nothing: a stream goes on with the leaf it began with. */
  note(node: string, leaf: X509Certificate): void {
    const before = this.#leaves.get(node)
    if (before && before.validFromDate > leaf.validFromDate) return
    if (before) this.#owners.delete(before.serialNumber)
    this.#leaves.delete(node)
    this.#leaves.set(node, leaf)
    this.#owners.set(leaf.serialNumber, node)
    if (this.#leaves.size <= proxiesMax) return
    const [oldest, its] = this.#leaves.entries().next().value!
    this.#leaves.delete(oldest)
    this.#owners.delete(its.serialNumber)
  }

  /** @returns nothing for a leaf that is not remembered. */
  ownerOf(leaf: X509Certificate): string | undefined {
    return this.#owners.get(leaf.serialNumber)
  }

  /** Those of `nodes` whose leaf `signer` has not signed; one without a known leaf holds none of ours. */
  notSignedBy(signer: X509Certificate, nodes: readonly string[]): string[] {
    return nodes.filter((node) => {
      const leaf = this.#leaves.get(node)
      return leaf !== undefined && !leaf.checkIssued(signer)
    })
  }
}
