/** TLS for the connections of other sidecars: one context for all listeners, made when the first such connection comes. */
import { meshServerTls } from '#/model/mutual-tls.ts'
import { openTlsEntrance, type TlsEntrance, type TlsEntranceOptions } from './tls-entrance.ts'

export class MeshTlsEntrance {
  readonly #options: Omit<TlsEntranceOptions, 'tls'>
  #entrance: Promise<TlsEntrance> | undefined

  constructor(options: Omit<TlsEntranceOptions, 'tls'>) {
    this.#options = options
  }

  /** @returns rejects while the proxy has no certificate; the next connection tries again. */
  open(): Promise<TlsEntrance> {
    if (this.#entrance) return this.#entrance
    const opening = openTlsEntrance({ ...this.#options, tls: meshServerTls })
    this.#entrance = opening
    opening.catch(() => {
      if (this.#entrance === opening) this.#entrance = undefined
    })
    return opening
  }
}
