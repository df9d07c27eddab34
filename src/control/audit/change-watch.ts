/** Follows the configuration and writes what was changed into the audit log. */
import type { Clock } from '#/std/clock.ts'
import type { Resources } from '../source/resources.ts'
import type { AuditLog } from './audit-log.ts'
import { configChanges, countObjects } from './config-changes.ts'

export class ChangeWatch {
  readonly #audit: AuditLog
  readonly #clock: Clock
  #before: Resources | undefined
  #generation = 0

  constructor({ audit, clock }: { audit: AuditLog; clock: Clock }) {
    this.#audit = audit
    this.#clock = clock
  }

  follow(resources: Resources): void {
    const at = new Date(this.#clock.wallMs()).toISOString()
    const before = this.#before
    this.#before = resources
    if (!before) {
      this.#audit.append([{ type: 'start', at, objects: countObjects(resources) }])
      return
    }
    const changes = configChanges(before, resources, { at, generation: this.#generation + 1 })
    if (changes.length === 0) return
    this.#generation++
    this.#audit.append(changes)
  }
}
