/**
 * Tokens that have served, until they expire: each serves for one key. The same key may come again, since an answer can be lost on its
 * way. Kept in a file, for a restart would open each token anew.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { writeFileAtomically } from '#/std/atomic-file.ts'

interface Use {
  expiresMs: number
  /** Of the public key. */
  fingerprint: string
}

/** Tokens that are remembered at a time; the mesh would have to start this many sidecars within the life of a token. */
const usesMax = 100_000

export class UsedTokens {
  readonly #path: string
  readonly #uses = new Map<string, Use>()

  constructor(path: string, nowMs: number) {
    this.#path = path
    for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
      const [id, expires, fingerprint] = line.split(' ')
      if (id && fingerprint && Number(expires) > nowMs) this.#uses.set(id, { expiresMs: Number(expires), fingerprint })
    }
    this.#write()
  }

  /** Takes note. @returns false when it has served for another key, or no more can be remembered. */
  use(id: string, { expiresMs, fingerprint, nowMs }: Use & { nowMs: number }): boolean {
    const before = this.#uses.get(id)
    if (before) return before.fingerprint === fingerprint
    if (this.#uses.size >= usesMax) this.#sweep(nowMs)
    if (this.#uses.size >= usesMax) return false
    this.#uses.set(id, { expiresMs, fingerprint })
    appendFileSync(this.#path, `${lineOf(id, { expiresMs, fingerprint })}\n`, { mode: 0o600 })
    return true
  }

  #sweep(nowMs: number): void {
    for (const [id, { expiresMs }] of this.#uses) if (expiresMs <= nowMs) this.#uses.delete(id)
    this.#write()
  }

  #write(): void {
    const lines = [...this.#uses].map(([id, use]) => `${lineOf(id, use)}\n`)
    writeFileAtomically(this.#path, lines.join(''), 0o600)
  }
}

function lineOf(id: string, { expiresMs, fingerprint }: Use): string {
  return `${id} ${expiresMs} ${fingerprint}`
}
