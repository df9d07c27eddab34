/** `weft up` on a copy of a directory, as a person starts it, told by its JSON lines. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../weft', import.meta.url))

export interface MeshWorkload {
  namespace: string
  name: string
  pod: string
  app: string | null
  inbound: string | null
  outbound: string
  admin: string
  pids: { app: number; sidecar: number }
}

export interface ReadyLine {
  event: 'ready'
  control: { pid: number; xds: string; api: string }
  workloads: MeshWorkload[]
}

export class LaptopMesh {
  /** The copy that it runs on. */
  readonly directory: string
  readonly #folder: string
  readonly #child: ChildProcess
  readonly events: { event: string }[] = []
  ready!: ReadyLine
  #log = ''

  private constructor(folder: string, flags: readonly string[]) {
    this.#folder = folder
    this.directory = join(folder, 'mesh')
    this.#child = spawn(launcher, ['up', this.directory, '--output', 'json', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') },
    })
    this.#child.stderr!.on('data', (chunk) => {
      this.#log += chunk
    })
  }

  /** Copies `source`, lets `prepare` change the copy, starts it and waits for its ready line. */
  static async start(
    source: string,
    options: { flags?: readonly string[]; prepare?: (directory: string) => void } = {},
  ): Promise<LaptopMesh> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-mesh-'))
    cpSync(source, join(folder, 'mesh'), { recursive: true })
    options.prepare?.(join(folder, 'mesh'))
    const mesh = new LaptopMesh(folder, options.flags ?? [])
    await new Promise<void>((resolve, reject) => {
      mesh.#child.once('exit', (code) => reject(new Error(`weft up ended with ${code}:\n${mesh.#log}`)))
      createInterface({ input: mesh.#child.stdout! }).on('line', (line) => {
        const event = JSON.parse(line)
        mesh.events.push(event)
        if (event.event !== 'ready') return
        mesh.ready ??= event
        resolve()
      })
    })
    return mesh
  }

  workload(name: string, index = 0): MeshWorkload {
    return this.ready.workloads.filter((each) => each.name === name)[index]!
  }

  /** Every process that the mesh runs now. */
  get pids(): number[] {
    return [
      this.#child.pid!,
      this.ready.control.pid,
      ...this.ready.workloads.flatMap(({ pids }) => [pids.app, pids.sidecar]),
    ]
  }

  /** Ctrl-C. */
  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGINT')
      await gone
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export function portOf(url: string): number {
  return Number(new URL(url).port)
}
