/** The book in a file, so that a restart forgets nothing that is 30 days old. */
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { z } from 'zod'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Log } from '#/std/log.ts'
import type { KeptEdge } from './traffic-book.ts'

export interface KeptTraffic {
  /** When it was written, and since when it is kept; milliseconds since 1970. */
  savedMs: number
  sinceMs: number
  edges: readonly KeptEdge[]
}

const fileSchema = z.object({
  version: z.literal(1),
  savedMs: z.number(),
  sinceMs: z.number(),
  edges: z.array(
    z.looseObject({
      workload: z.string(),
      firstMs: z.number(),
      lastMs: z.number(),
      total: z.number(),
      hours: z.array(z.number()),
    }),
  ),
})

export class TrafficFile {
  readonly #path: string
  readonly #log: Log

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /** @returns undefined where there is none. A file that can't be read is put aside. */
  read(): KeptTraffic | undefined {
    if (!existsSync(this.#path)) return undefined
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8'))) as unknown as KeptTraffic
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#log.warn('kept traffic can not be read; put aside', { file: `${this.#path}.damaged`, reason })
      renameSync(this.#path, `${this.#path}.damaged`)
      return undefined
    }
  }

  /** Readable for its owner alone: who talks to whom is not for everyone. */
  write(kept: KeptTraffic): void {
    try {
      writeFileAtomically(this.#path, `${JSON.stringify({ version: 1, ...kept })}\n`, 0o600)
    } catch (error) {
      this.#log.warn('traffic can not be kept', { reason: error instanceof Error ? error.message : String(error) })
    }
  }
}
