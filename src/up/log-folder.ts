/** Logs of all processes of a mesh: a file each, bounded in size and number. */
import { closeSync, copyFileSync, openSync, readdirSync, readSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '#/std/clock.ts'

/** Logs of replicas that are gone are kept until there are more than this many files. */
const filesMax = 500
const sweepPeriodMs = 10_000

export class LogFolder {
  readonly #path: string
  readonly #bytesMax: number
  readonly #clock: Clock
  #timer: Timer | undefined

  constructor(options: { path: string; bytesMax: number; clock: Clock }) {
    this.#path = options.path
    this.#bytesMax = options.bytesMax
    this.#clock = options.clock
  }

  /** `shop_reviews-v1-abcde-0.sidecar.log` */
  fileOf(...names: string[]): string {
    const [place, process] = [names.slice(0, -1).join('_'), names.at(-1)]
    return join(this.#path, `${place ? `${place}.` : ''}${process}.log`)
  }

  start(): void {
    this.#timer = this.#clock.after(
      sweepPeriodMs,
      () => {
        this.sweep()
        this.start()
      },
      true,
    )
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Writers append, so a file can be cut while they write: the next line is its first. */
  sweep(): void {
    const files = readdirSync(this.#path).map((name) => ({ path: join(this.#path, name), stat: this.#statOf(name) }))
    for (const { path, stat } of files) {
      if (stat.size <= this.#bytesMax || path.endsWith('.old')) continue
      copyFileSync(path, `${path}.old`)
      truncateSync(path)
    }
    const byAge = files.sort((a, b) => b.stat.mtimeMs - a.stat.mtimeMs)
    for (const { path } of byAge.slice(filesMax)) rmSync(path, { force: true })
  }

  #statOf(name: string): { size: number; mtimeMs: number } {
    return statSync(join(this.#path, name), { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 }
  }
}

/** Read from the end of a log, bytes. */
const tailBytes = 4096
const wordsMax = 200

/** The last line of a log that speaks of an error, else its last line; empty when there is none. */
export function lastWords(file: string): string {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return ''
  const bytes = Buffer.alloc(Math.min(size, tailBytes))
  const descriptor = openSync(file, 'r')
  const read = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)
  closeSync(descriptor)
  const lines = bytes
    .toString('utf8', 0, read)
    .split('\n')
    .filter((line) => line.trim() !== '')
  const words = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? ''
  return words.trim().slice(0, wordsMax)
}
