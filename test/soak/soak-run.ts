/**
 * Mixed protocols through the sidecars of a real mesh, with connections cut and endpoints killed at random. It finds what the mesh
 * loses, and what it keeps: sockets, files, memory.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { type Heap, heapAfterCollection } from './heap.ts'
import { type Judgement, judge } from './judge.ts'
import { EventLane } from './lane/events.ts'
import { GrpcLane, LongGrpcLane } from './lane/grpc.ts'
import { Http1Lane } from './lane/http1.ts'
import { Http2Lane } from './lane/http2.ts'
import type { Lane, LaneContext } from './lane/lane.ts'
import { ConnectLane, LongTcpLane, TcpLane } from './lane/line.ts'
import { UdpLane } from './lane/udp.ts'
import { LongWebSocketLane, WebSocketLane } from './lane/websocket.ts'
import { type Call, Ledger } from './ledger.ts'
import { type Holdings, holdingsOf, residentMb } from './sidecar-watch.ts'
import { SoakMesh, type SoakSidecar } from './soak-mesh.ts'

export interface SoakOptions {
  durationMs: number
  seed: number
  /** One endpoint is killed about this often, ms; absent: never. */
  killEveryMs?: number
  /** Leaves live for so long, ms, and the root is replaced in the middle; absent: neither. */
  leafLifeMs?: number
  /** From when on memory is held against the end, ms after the start; undefined leaves memory out. */
  settledMs: number | undefined
  say: (line: string) => void
}

/** Of one sidecar. */
export interface SidecarReport {
  pod: string
  start: Holdings
  end: Holdings
  /** Resident, MiB: when it had settled, and at the end of the load. */
  resident: { settled: number; end: number } | undefined
  /** Objects in the heap after a collection, MiB, likewise. */
  heap: { settled: number; end: number } | undefined
  /**
   * Buffers outside the heap, MiB: before the load, and when it was over. While there is work the proxy keeps blocks of up to 8 MB for the
   * next reads and writes (`src/codec/block-pool.ts`), which nobody may hold for longer.
   */
  buffers: { start: number; end: number } | undefined
}

export interface SoakReport {
  ledger: Ledger
  judged: ReadonlyMap<Judgement, Call[]>
  kills: number
  sidecars: SidecarReport[]
  /** Ended by themselves, or not back in time. */
  faults: string[]
  /** What the sidecars wrote of the lost ones. */
  traces: string[]
}

/** What nobody uses has to be gone this long after the load, ms. */
const releaseMs = 30_000
const progressMs = 10_000

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { leafLifeMs } = options
  const mesh = new SoakMesh(leafLifeMs === undefined ? [] : ['--leaf-life-ms', String(leafLifeMs)])
  try {
    const ports = await mesh.start()
    return await new SoakRun(mesh, options).run(ports)
  } finally {
    await mesh.stop()
  }
}

interface Sample {
  resident: number
  heap: Heap
}

type Memory = Pick<SidecarReport, 'resident' | 'heap' | 'buffers'>

class SoakRun {
  readonly #mesh: SoakMesh
  readonly #options: SoakOptions
  readonly #ledger = new Ledger()
  readonly #lanes: Lane[] = [
    new Http1Lane(),
    new Http2Lane(),
    new GrpcLane(),
    new WebSocketLane(),
    new EventLane(),
    new TcpLane(),
    new ConnectLane(),
    new UdpLane(),
  ]
  readonly #start = new Map<string, Sample>()
  readonly #settled = new Map<string, Sample>()
  readonly #end = new Map<string, Sample>()
  readonly #startMs = Date.now()
  readonly #endMs: number
  #isEnding = false

  constructor(mesh: SoakMesh, options: SoakOptions) {
    this.#mesh = mesh
    this.#options = options
    this.#endMs = this.#startMs + options.durationMs
  }

  async run(ports: LaneContext['ports']): Promise<SoakReport> {
    const { sidecars } = this.#mesh
    // Whatever a process opens for its inspector it keeps; it is not the load's.
    if (this.#options.settledMs !== undefined) for (const one of sidecars) this.#start.set(one.pod, await sample(one))
    const start = new Map(sidecars.map(({ pod, pid }) => [pod, holdingsOf(pid)]))
    const { seed, leafLifeMs } = this.#options
    if (leafLifeMs !== undefined) this.#lanes.push(new LongGrpcLane(), new LongWebSocketLane(), new LongTcpLane())
    const endMs = this.#endMs
    const workers = this.#lanes.flatMap((lane, i) =>
      Array.from({ length: lane.width }, (_, j) =>
        this.#work(lane, { ports, ledger: this.#ledger, random: seededRandom(seed + 100 * i + j + 1), endMs }),
      ),
    )
    const watch = Promise.all([
      this.#killAtRandom(seededRandom(seed)),
      this.#rotateInTheMiddle(),
      this.#tellProgress(),
      this.#settle(),
    ])
    await Promise.all([...workers, watch])
    if (this.#options.settledMs !== undefined) for (const one of sidecars) this.#end.set(one.pod, await sample(one))
    for (const lane of this.#lanes) lane.close()
    const reports: SidecarReport[] = []
    for (const one of sidecars) {
      const before = start.get(one.pod)!
      const end = await settledHoldings(one, before)
      reports.push({ pod: one.pod, start: before, end, ...(await this.#memoryOf(one)) })
    }
    return this.#report(reports)
  }

  #report(sidecars: SidecarReport[]): SoakReport {
    const { deaths, faults } = this.#mesh
    const evidence = { deaths, seen: this.#mesh.seen() }
    const judged = Map.groupBy(this.#ledger.failures, (call) => judge(call, evidence))
    const traces = (judged.get('lost') ?? []).slice(0, 10).flatMap(({ id }) => this.#mesh.accessLogOf(id))
    return {
      ledger: this.#ledger,
      judged,
      kills: deaths.length,
      sidecars,
      faults: [...faults, ...this.#mesh.crashes()],
      traces,
    }
  }

  async #memoryOf({ pod, pid }: SoakSidecar): Promise<Memory> {
    const [start, settled, end] = [this.#start.get(pod), this.#settled.get(pod), this.#end.get(pod)]
    if (!start || !settled || !end) return { resident: undefined, heap: undefined, buffers: undefined }
    return {
      resident: { settled: settled.resident, end: end.resident },
      heap: { settled: settled.heap.objects, end: end.heap.objects },
      buffers: { start: start.heap.buffers, end: await restingBuffersMb(pid) },
    }
  }

  async #work(lane: Lane, context: LaneContext): Promise<void> {
    while (Date.now() < this.#endMs) {
      await lane.call(context)
      await pause(context.random() * lane.pauseMs)
    }
    this.#isEnding = true
  }

  /** One endpoint at a time, and never the last one: whoever calls then has nobody to go to. */
  async #killAtRandom(random: () => number): Promise<void> {
    const { killEveryMs, say } = this.#options
    if (killEveryMs === undefined) return
    while (!this.#isEnding) {
      await pause(killEveryMs * (0.5 + random()))
      const servers = this.#mesh.servers()
      if (servers.length < 2 || this.#endMs - Date.now() < 3000) continue
      const victim = servers[pickIndex(random, servers.length)]!
      this.#mesh.kill(victim)
      say(`killed ${victim.pod} (${victim.pids.app})`)
    }
  }

  async #rotateInTheMiddle(): Promise<void> {
    const { leafLifeMs, durationMs, say } = this.#options
    if (leafLifeMs === undefined) return
    const before = await this.#mesh.issued()
    await pause(durationMs / 3)
    say((await this.#mesh.rotate()).trim())
    await pause(Math.max(0, this.#endMs - Date.now() - leafLifeMs))
    const issued = (await this.#mesh.issued()) - before
    say(`${issued} certificates were granted under load`)
    // Each sidecar renews at half the life of its leaf, give or take a tenth.
    const least = this.#mesh.sidecars.length * Math.floor((durationMs - 2 * leafLifeMs) / (leafLifeMs * 0.55))
    if (issued < least) this.#mesh.faults.push(`${issued} certificates were granted, expected ${least} or more`)
  }

  async #tellProgress(): Promise<void> {
    while (Date.now() + progressMs < this.#endMs) {
      await pause(progressMs)
      const seconds = Math.round((Date.now() - this.#startMs) / 1000)
      const memory = this.#mesh.sidecars.map(({ pod, pid }) => `${pod.split('-')[0]} ${residentMb(pid).toFixed(0)} MB`)
      const { total, failures } = this.#ledger
      this.#options.say(`${seconds} s: ${total} calls, ${failures.length} failed; ${memory.join(', ')}`)
    }
  }

  async #settle(): Promise<void> {
    const { settledMs } = this.#options
    if (settledMs === undefined) return
    await pause(settledMs)
    for (const one of this.#mesh.sidecars) this.#settled.set(one.pod, await sample(one))
  }
}

async function sample({ pid }: SoakSidecar): Promise<Sample> {
  const residents: number[] = []
  for (let i = 0; i < 11; i++) {
    residents.push(residentMb(pid))
    await pause(200)
  }
  const resident = residents.sort((a, b) => a - b)[5]!
  return { resident, heap: await heapAfterCollection(pid) }
}

/** When they no longer become fewer. */
async function restingBuffersMb(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  // Unused blocks go back 5 s after their last use (`src/codec/block-pool.ts`), and then the next.
  for (let same = 0; same < 3; same++) {
    const { buffers } = await heapAfterCollection(pid)
    if (buffers < least) same = 0
    least = Math.min(least, buffers)
    await pause(3000)
  }
  return least
}

/** Once it holds no more than at the start, or when the time for that is over. */
async function settledHoldings({ pid }: SoakSidecar, start: Holdings): Promise<Holdings> {
  const endMs = Date.now() + releaseMs
  while (true) {
    const now = holdingsOf(pid)
    const isBack = now.socketCount <= start.socketCount && now.fileCount <= start.fileCount
    if (isBack || Date.now() > endMs) return now
    await pause(100)
  }
}
