/** The control plane as a process, kept running on the same addresses. */
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { lastWords } from './log-folder.ts'
import type { Announce, ControlReport } from './mesh-event.ts'
import { Child } from './process/child.ts'
import type { Guard } from './process/guard.ts'
import { KeptProcess } from './process/kept-process.ts'

export interface ControlProcessOptions {
  /** Node with its flags, and the program. */
  program: readonly string[]
  /** Folders of YAML. */
  directories: readonly string[]
  /** Services without an address get one of it. */
  serviceRange?: string
  xds: HostPort
  api: HostPort
  flags: Readonly<Record<string, string>>
  environment: Readonly<Record<string, string | undefined>>
  logFile: string
  guard: Guard
  clock: Clock
  restartInitialMs: number
  restartMaxMs: number
  announce: Announce
}

export class ControlProcess {
  readonly #options: ControlProcessOptions
  readonly #kept: KeptProcess
  /** Resolves when it listens for the first time. */
  readonly ready: Promise<void>
  #isReady = false

  constructor(options: ControlProcessOptions) {
    this.#options = options
    const { announce, clock, restartInitialMs, restartMaxMs } = options
    let resolveReady: () => void
    this.ready = new Promise((resolve) => (resolveReady = resolve))
    this.#kept = new KeptProcess({
      launch: () => this.#launch(() => resolveReady()),
      clock,
      restartInitialMs,
      restartMaxMs,
      onCrash: (exit) => {
        this.#isReady = false
        const words = lastWords(options.logFile)
        announce({ event: 'control', change: 'crashed', control: this.report(), exit: exit.message, words })
      },
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  start(): void {
    this.#kept.start()
  }

  stop(graceMs: number): Promise<void> {
    return this.#kept.stop(graceMs)
  }

  report(): ControlReport {
    const { xds, api } = this.#options
    return { pid: this.#kept.pid ?? null, xds: formatHostPort(xds), api: `http://${formatHostPort(api)}` }
  }

  #launch(onReady: () => void): Child {
    const { program, directories, serviceRange, xds, api, flags, environment, logFile, guard, clock, announce } =
      this.#options
    return new Child({
      argv: [
        ...program,
        ...directories.flatMap((directory) => ['--config', directory]),
        ...(serviceRange ? ['--service-range', serviceRange] : []),
        ...['--xds', formatHostPort(xds), '--api', formatHostPort(api)],
        ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
      ],
      environment,
      folder: '/',
      logFile,
      guard,
      clock,
      onLine: (line) => {
        if (!isReadyLine(line)) return
        this.#isReady = true
        announce({ event: 'control', change: 'ready', control: this.report() })
        onReady()
      },
    })
  }
}

function isReadyLine(line: string): boolean {
  try {
    return (JSON.parse(line) as { event?: unknown } | null)?.event === 'ready'
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
