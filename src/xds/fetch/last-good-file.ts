/**
 * The last accepted configuration on disk, so that a proxy that starts while no control plane can be reached serves.
 * JSON with a checksum; a damaged or foreign file is ignored with a warning.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { ResourceKind } from '../resources/resource.ts'

export interface StoredResource {
  kind: ResourceKind
  name: string
  aliases: string[]
  version: string
  body: Uint8Array
}

const format = 1
/** Bursts of updates are written once, ms. */
const delayMs = 200

function checksumOf(resources: unknown): string {
  return createHash('sha256').update(JSON.stringify(resources)).digest('hex')
}

export class LastGoodFile {
  readonly #path: string
  readonly #nodeId: string
  readonly #clock: Clock
  readonly #log: Log
  #pending: (() => StoredResource[]) | undefined
  #timer: Timer | undefined

  constructor(options: { path: string; nodeId: string; clock: Clock; log: Log }) {
    this.#path = options.path
    this.#nodeId = options.nodeId
    this.#clock = options.clock
    this.#log = options.log
  }

  load(): StoredResource[] {
    if (!existsSync(this.#path)) return []
    try {
      const file = JSON.parse(readFileSync(this.#path, 'utf8'))
      if (file.format !== format || file.node !== this.#nodeId) throw new Error('it is of another format or proxy')
      if (file.checksum !== checksumOf(file.resources)) throw new Error('its checksum is wrong')
      const resources = file.resources as (Omit<StoredResource, 'body'> & { body: string })[]
      // Whom to trust is learned anew: a root may have been withdrawn meanwhile, and by an old one the new is never reached.
      const kept = resources.filter(({ kind }) => kind !== 'secret')
      return kept.map((resource) => ({ ...resource, body: Buffer.from(resource.body, 'base64') }))
    } catch (error) {
      this.#log.warn('the file of the last configuration is of no use and is ignored', {
        path: this.#path,
        reason: String(error),
      })
      return []
    }
  }

  /** Writes what `collect` gives, soon; further calls until then are one. */
  save(collect: () => StoredResource[]): void {
    this.#pending = collect
    this.#timer ??= this.#clock.after(delayMs, () => this.flush())
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const collect = this.#pending
    this.#pending = undefined
    if (!collect) return
    const resources = collect().map((resource) => ({
      ...resource,
      body: Buffer.from(resource.body).toString('base64'),
    }))
    try {
      writeFileAtomically(
        this.#path,
        JSON.stringify({ format, node: this.#nodeId, checksum: checksumOf(resources), resources }),
      )
    } catch (error) {
      this.#log.warn('could not write the file of the last configuration', { path: this.#path, reason: String(error) })
    }
  }
}
