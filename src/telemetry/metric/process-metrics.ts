/** Numbers of the process itself, under the names that Prometheus' client libraries use. */
import { readdirSync } from 'node:fs'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Registry } from './registry.ts'

/** How often the delay of the event loop is measured, ms. Often enough to notice, rarely enough to cost nothing. */
const lagIntervalMs = 1000

export class ProcessMetrics {
  readonly #clock: Clock
  #timer: Timer
  #lagMs = 0
  #lagMaxMs = 0

  constructor(registry: Registry, clock: Clock) {
    this.#clock = clock
    this.#timer = this.#measureLag()
    const startSeconds = clock.wallMs() / 1000 - process.uptime()
    registry.collected(
      {
        name: 'process_cpu_seconds_total',
        help: 'User and system processor time spent, in seconds.',
        type: 'counter',
      },
      () => [[[], cpuSeconds()]],
    )
    registry.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
    registry.gauge('process_start_time_seconds', 'Start of the process since 1970, in seconds.', () => startSeconds)
    registry.collected({ name: 'process_open_fds', help: 'Open file descriptors.', type: 'gauge' }, openFiles)
    registry.gauge('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed)
    registry.gauge('nodejs_heap_size_total_bytes', 'Heap reserved.', () => process.memoryUsage().heapTotal)
    registry.gauge(
      'nodejs_external_memory_bytes',
      'Memory of buffers and the like.',
      () => process.memoryUsage().external,
    )
    registry.gauge('nodejs_eventloop_lag_seconds', 'How late the last timer of a second was.', () => this.#lagMs / 1000)
    registry.gauge(
      'nodejs_eventloop_lag_max_seconds',
      'How late the latest such timer was since the last scrape.',
      () => {
        const lagMs = this.#lagMaxMs
        this.#lagMaxMs = 0
        return lagMs / 1000
      },
    )
    registry.collected({ name: 'nodejs_version_info', help: 'Version of Node.', type: 'gauge' }, () => [
      [['version', process.version], 1],
    ])
  }

  #measureLag(): Timer {
    const dueMs = this.#clock.monotonicMs() + lagIntervalMs
    return this.#clock.after(
      lagIntervalMs,
      () => {
        this.#lagMs = Math.max(0, this.#clock.monotonicMs() - dueMs)
        this.#lagMaxMs = Math.max(this.#lagMaxMs, this.#lagMs)
        this.#timer = this.#measureLag()
      },
      true,
    )
  }

  close(): void {
    this.#timer.cancel()
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Linux only; elsewhere the family is empty and not exposed. So it is when no descriptor is left to count them with. */
function openFiles(): [string[], number][] {
  if (process.platform !== 'linux') return []
  try {
    return [[[], readdirSync('/proc/self/fd').length]]
  } catch (error) {
    if (error instanceof Error && 'code' in error) return []
    throw error
  }
}
