/** Builds and runs `go-control-plane/`: a control plane on Envoy's own Go library, told what to serve line by line. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.ts'

const source = fileURLToPath(new URL('./go-control-plane/', import.meta.url))

/** The node id that its snapshot is for. */
export const foreignNodeId = 'interop.default'

export interface ForeignCommand {
  /** Where the one listener binds, `127.0.0.1:PORT`. */
  listener: string
  /** Cluster name to endpoints. */
  backends: Record<string, string[]>
  /** Split of everything that no other route takes. */
  weights: Record<string, number>
  /** Puts a field into the snapshot that our proxy does not honour. */
  unsupported?: 'hash_policy of a cookie to be made' | 'local_reply_config'
}

export interface ForeignEvent {
  event: 'ready' | 'served' | 'ack' | 'nack'
  xds?: string
  type?: string
  message?: string
  version?: string
}

/** Path of the binary, built once for each state of its source (30 s the first time, with Go's own cache). */
export function buildForeignControlPlane(): string {
  const hash = createHash('sha256')
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(source, name)))
  const binary = join(cacheFolder('go-control-plane'), hash.digest('hex').slice(0, 16))
  if (!existsSync(binary))
    execFileSync('go', ['build', '-o', binary, '.'], { cwd: source, stdio: ['ignore', 'inherit', 'inherit'] })
  return binary
}

export class ForeignControlPlane {
  readonly #child: ChildProcess
  readonly events: ForeignEvent[] = []
  readonly #waiting = new Set<() => void>()

  constructor() {
    this.#child = spawn(buildForeignControlPlane(), { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line))
      for (const check of [...this.#waiting]) check()
    })
  }

  serve(command: ForeignCommand): void {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`)
  }

  /** The first event from `from` on that fits. Rejects when the process ends. */
  waitFor(fits: (event: ForeignEvent) => boolean, from = 0): Promise<ForeignEvent> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = this.events.slice(from).find(fits)
        if (!found) return
        this.#waiting.delete(check)
        resolve(found)
      }
      this.#waiting.add(check)
      this.#child.once('exit', () =>
        reject(new Error(`the foreign control plane ended; it had said ${JSON.stringify(this.events)}`)),
      )
      check()
    })
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM')
      await gone
    }
  }
}
