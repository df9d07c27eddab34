/** The mesh of the soak: `weft up` with a caller and a server in replicas, which are killed and come back. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WorkloadReport } from '#/up/mesh-event.ts'
import { LaptopMesh, portOf } from '../mesh/testing/laptop-mesh.ts'
import type { Death } from './judge.ts'
import type { SoakPorts } from './lane/lane.ts'

const source = fileURLToPath(new URL('./mesh', import.meta.url))

/** Shorter than by default, so that what nobody uses is gone soon after the load. */
const settings = { WEFT_POOL_IDLE_MS: '2000', WEFT_MULTIPLEXED_IDLE_MS: '2000', WEFT_DATAGRAM_IDLE_MS: '2000' }

export interface SoakSidecar {
  pod: string
  pid: number
}

export class SoakMesh {
  readonly #mesh: LaptopMesh
  readonly deaths: Death[] = []
  sidecars: SoakSidecar[] = []

  /** @param flags of `weft up`. */
  constructor(flags: readonly string[] = []) {
    this.#mesh = new LaptopMesh(source, {
      flags,
      environment: settings,
      prepare: (folder) => mkdirSync(join(folder, '../begun')),
    })
  }

  /** @returns where the caller's sidecar takes calls. */
  async start(): Promise<SoakPorts> {
    const { workloads } = await this.#mesh.ready()
    this.sidecars = workloads.map(({ pod, pids }) => ({ pod, pid: pids.sidecar! }))
    const { app, outbound } = this.#mesh.workload('caller')
    const environment = (await (await fetch(app!)).json()) as Record<string, string>
    const port = (name: string): number => Number(environment[`SERVER_SERVICE_PORT_${name}`])
    return {
      http: port('HTTP'),
      h2c: port('STREAM'),
      grpc: port('GRPC'),
      raw: port('RAW'),
      datagram: port('DATAGRAM'),
      outbound: portOf(outbound),
    }
  }

  /** Replicas of the server that take calls now. */
  servers(): WorkloadReport[] {
    const latest = new Map<string, WorkloadReport>()
    for (const event of this.#mesh.events) {
      if (event.event === 'ready') {
        for (const one of event.workloads) latest.set(one.pod, { ...one, isReady: true })
      } else if (event.event === 'workload') latest.set(event.workload.pod, event.workload)
    }
    return [...latest.values()].filter(({ name, isReady }) => name === 'server' && isReady)
  }

  /** Ends the application of a replica as nothing can prevent it. */
  kill({ pod, pids }: WorkloadReport): void {
    const death: Death = { pid: String(pids.app), killedMs: Date.now(), replacedMs: Number.POSITIVE_INFINITY }
    this.deaths.push(death)
    process.kill(pids.app!, 'SIGKILL')
    const isBack = ({ event, ...rest }: { event: string }): boolean => {
      const workload = (rest as { workload?: WorkloadReport }).workload
      return event === 'workload' && workload?.pod === pod && workload.isReady && workload.pids.app !== pids.app
    }
    this.#mesh
      .event('workload', isBack, this.#mesh.events.length)
      .then(() => (death.replacedMs = Date.now()))
      .catch((error) => this.faults.push(`${pod} did not come back: ${error.message}`))
  }

  /** What must not happen to a mesh: named when the soak ends. */
  readonly faults: string[] = []

  /** Processes of sidecars or of the control plane that ended by themselves. */
  crashes(): string[] {
    return this.#mesh.events.flatMap((event) => {
      if (event.event === 'crashed' && event.process === 'sidecar')
        return [`${event.pod}: ${event.exit} ${event.words}`]
      return event.event === 'control' && event.change === 'crashed' ? [`control plane: ${event.exit}`] : []
    })
  }

  /** Replaces the root of the mesh, as a person does. @returns what `weft ca rotate` said. */
  async rotate(): Promise<string> {
    const { code, output, errors } = await this.#mesh.run('ca', 'rotate', '--wait', '120')
    if (code !== 0) this.faults.push(`weft ca rotate ended with ${code}: ${errors}`)
    return output
  }

  /** Certificates that were granted so far. */
  async issued(): Promise<number> {
    const { control } = await this.#mesh.ready()
    const report = (await (await fetch(`${control.api}/api/v1/authority`)).json()) as { issued: number }
    return report.issued
  }

  /** Ids that killed processes had written down. */
  seen(): Set<string> {
    const begun = join(this.#mesh.folder, '../begun')
    return new Set(this.deaths.flatMap(({ pid }) => readFileSync(join(begun, pid), 'utf8').split('\n')))
  }

  /** What the sidecars wrote of a call, each line with the file it stands in. */
  accessLogOf(id: string): string[] {
    const state = this.#mesh.environment.XDG_STATE_HOME!
    const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => /access[^/]*$/.test(name))
    return files.flatMap((file) =>
      readFileSync(join(state, file), 'utf8')
        .split('\n')
        .filter((line) => line.includes(`/${id}"`))
        .map((line) => `${basename(file)}: ${line}`),
    )
  }

  async stop(): Promise<void> {
    await this.#mesh.stop()
  }
}
