/** The newest leaf of each proxy, as far as is known: what a rotation of the root waits for, and what alone may be renewed. */
import type { X509Certificate } from 'node:crypto'

/** Proxies that are remembered; the one unseen for longest makes room. */
const proxiesMax = 100_000

interface Entry {
  leaf: X509Certificate
  /** The mesh has known its pod. */
  isPlaced: boolean
}

export class LeafBook {
  /** By node id. */
  readonly #entries = new Map<string, Entry>()

  /** `node` shows `leaf`. Not the newest, where one is known: a stream goes on with the leaf it began with. */
  see(node: string, leaf: X509Certificate): void {
    const before = this.#entries.get(node)
    if (!before || before.leaf.validFromDate < leaf.validFromDate) this.note(node, leaf)
  }

  /** `leaf` has just been issued to `node`. */
  note(node: string, leaf: X509Certificate): void {
    const before = this.#entries.get(node)
    this.#entries.delete(node)
    this.#entries.set(node, { leaf, isPlaced: before?.isPlaced ?? false })
    if (this.#entries.size > proxiesMax) this.#entries.delete(this.#entries.keys().next().value!)
  }

  newest(node: string): X509Certificate | undefined {
    return this.#entries.get(node)?.leaf
  }

  /** The mesh knows the pod of `node`. */
  place(node: string): void {
    const entry = this.#entries.get(node)
    if (entry) entry.isPlaced = true
  }

  wasPlaced(node: string): boolean {
    return this.#entries.get(node)?.isPlaced ?? false
  }

  /** Those of `nodes` whose leaf `signer` has not signed; one without a known leaf holds none of ours. */
  notSignedBy(signer: X509Certificate, nodes: readonly string[]): string[] {
    return nodes.filter((node) => {
      const leaf = this.newest(node)
      return leaf !== undefined && !leaf.checkIssued(signer)
    })
  }
}
