/** The proxy's secrets, from the main thread that holds its identity to the loops that make connections by it. */
import { identitySecretName } from '#/model/tls.ts'
import { rootSecretName } from '#/model/trust-secret.ts'
import type { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { LoopOrder } from './loop-message.ts'

/** Roots first: a certificate is of use to who can verify its peers. */
const names = [rootSecretName, identitySecretName]

type Send = (order: LoopOrder) => void

export class SecretRelay {
  readonly #secrets: SecretStore
  readonly #loops = new Set<Send>()

  constructor(secrets: SecretStore) {
    this.#secrets = secrets
    for (const name of names)
      secrets.watch(name, () => {
        for (const send of this.#loops) this.#tell(send, name)
      })
  }

  /** The loop is told what there is, and each change. @returns how to stop, when it has ended. */
  open(send: Send): () => void {
    this.#loops.add(send)
    for (const name of names) this.#tell(send, name)
    return () => this.#loops.delete(send)
  }

  #tell(send: Send, name: string): void {
    const secret = this.#secrets.find(name)
    if (secret) send({ type: 'secret', name, secret })
  }
}
