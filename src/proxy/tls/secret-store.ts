/** Certificates that the proxy is given while it runs, by name (Envoy: Secret): its own identity, and the roots that it trusts. */
import type { FederatedRoots } from '#/model/trust-secret.ts'

/** What a secret may hold, in PEM. */
export interface SecretPem {
  /** Leaf first. */
  chain?: string
  privateKey?: string
  trustedCa?: string
  /** Roots of other trust domains, each for the names of its own. */
  federated?: readonly FederatedRoots[]
  /** Lists of revoked certificates. */
  revocations?: string
}

export type SecretPart = Exclude<keyof SecretPem, 'federated'>

export class SecretStore {
  readonly #secrets = new Map<string, SecretPem>()
  readonly #watchers = new Map<string, Set<() => void>>()

  /** @returns undefined for one that has not come yet. */
  find(name: string): SecretPem | undefined {
    return this.#secrets.get(name)
  }

  /** Whoever watches it hears of a change. */
  set(name: string, secret: SecretPem): void {
    const before = this.#secrets.get(name)
    const isSame =
      before !== undefined &&
      before.chain === secret.chain &&
      before.privateKey === secret.privateKey &&
      before.trustedCa === secret.trustedCa &&
      before.revocations === secret.revocations &&
      JSON.stringify(before.federated) === JSON.stringify(secret.federated)
    if (isSame) return
    this.#secrets.set(name, secret)
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) watcher()
  }

  /** @returns how to stop. `onChange` must not throw. */
  watch(name: string, onChange: () => void): () => void {
    const watchers = this.#watchers.get(name) ?? new Set()
    this.#watchers.set(name, watchers)
    // Another function each time, so that whoever watches twice can stop once.
    const watcher = (): void => onChange()
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0) this.#watchers.delete(name)
    }
  }
}
