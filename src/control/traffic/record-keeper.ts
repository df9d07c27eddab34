/** What the control plane remembers of the past: who called what, what was refused, what was changed. */
import type { Mesh } from '#/model/mesh.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import { systemClock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { Records, WrittenPolicy } from '../api/record-pages.ts'
import type { AuditEntry } from '../audit/audit-entry.ts'
import { AuditLog } from '../audit/audit-log.ts'
import { ChangeWatch } from '../audit/change-watch.ts'
import type { Resources } from '../source/resources.ts'
import { TrafficPlane } from './traffic-plane.ts'

export interface RecordKeeperOptions {
  mesh: () => Mesh | undefined
  /** Node id → admin endpoint of its sidecar. */
  admins: () => ReadonlyMap<string, string>
  /** Absent: kept in memory alone. */
  folder: string | undefined
  log: Log
}

export class RecordKeeper implements Records {
  readonly #audit: AuditLog
  readonly #changes: ChangeWatch
  readonly #traffic: TrafficPlane
  #resources: Resources | undefined

  constructor({ mesh, admins, folder, log }: RecordKeeperOptions) {
    const kept = folder === undefined ? {} : { folder }
    this.#audit = new AuditLog({ ...kept, log })
    this.#changes = new ChangeWatch({ audit: this.#audit, clock: systemClock })
    this.#traffic = new TrafficPlane({ mesh, admins, audit: this.#audit, ...kept, clock: systemClock, log })
    this.#traffic.start()
  }

  /** The configuration as it is now. */
  follow(resources: Resources): void {
    this.#resources = resources
    this.#changes.follow(resources)
  }

  policies(): WrittenPolicy[] {
    const written = this.#resources?.of('AccessPolicy').values() ?? []
    return [...written].map(({ value, origin: { file, line } }) => ({ file, line, value }))
  }

  traffic(fromMs: number): Promise<MeshTraffic> {
    return this.#traffic.traffic(fromMs)
  }

  /** As of now. */
  async audit(wanted: { fromMs: number; max: number }): Promise<AuditEntry[]> {
    await this.#traffic.collect()
    return this.#audit.read(wanted)
  }

  async stop(): Promise<void> {
    this.#traffic.stop()
    await this.#audit.flush()
  }
}
