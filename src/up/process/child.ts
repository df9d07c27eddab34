/** One process: in a group of its own, known to the guard before it runs, its output in a file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type Clock, systemClock } from '#/std/clock.ts'
import { type Guard, killGroup } from './guard.ts'

export interface ChildOptions {
  argv: readonly string[]
  /** The whole environment. */
  environment: Readonly<Record<string, string | undefined>>
  folder: string
  /** Standard output and error are appended to this file. */
  logFile: string
  guard: Guard
  /** Gets standard output line by line instead of the file. */
  onLine?: (line: string) => void
  clock?: Clock
}

/** How it ended; `message` is a phrase for people: `exit code 1`, `killed by SIGKILL`. */
export interface ChildExit {
  code: number | null
  signal: NodeJS.Signals | null
  message: string
}

/**
 * Waits for a word on descriptor 3, then becomes the command. If the supervisor dies before the guard knows the group, the
 * word never comes and the command never runs.
 */
const launcher = 'read -r word <&3 || exit 0; exec 3<&-; exec "$@"'

export class Child {
  /** Resolves when it has ended. */
  readonly exited: Promise<ChildExit>
  readonly #process: ChildProcess
  readonly #clock: Clock
  #isRunning = true

  constructor(options: ChildOptions) {
    this.#clock = options.clock ?? systemClock
    const { process, closeLog } = spawnQuietly(options)
    this.#process = process
    this.exited = new Promise((resolve) => {
      const end = (exit: ChildExit): void => {
        if (!this.#isRunning) return
        this.#isRunning = false
        if (process.pid !== undefined) {
          // What the command itself started and left behind goes with it.
          this.signal('SIGKILL', true)
          options.guard.forget(process.pid)
        }
        resolve(exit)
      }
      process.once('error', (error) => end({ code: null, signal: null, message: error.message }))
      process.once('exit', (code, signal) => end({ code, signal, message: describeExit(code, signal) }))
    })
    if (process.pid !== undefined) options.guard.watch(process.pid)
    closeLog()
    if (options.onLine && process.stdout) readLines(process.stdout, options.onLine)
    const word = process.stdio[3] as Writable | null
    word?.on('error', () => word.destroy())
    word?.end('go\n')
  }

  /** Undefined when it could not even be started. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** To the whole group, as a terminal does. */
  signal(signal: NodeJS.Signals, isOver = false): void {
    const { pid } = this.#process
    if (pid !== undefined && (this.#isRunning || isOver)) killGroup(pid, signal)
  }

  /** SIGTERM, and SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<ChildExit> {
    this.signal('SIGTERM')
    const timer = this.#clock.after(graceMs, () => this.signal('SIGKILL'))
    const exit = await this.exited
    timer.cancel()
    return exit
  }
}

function spawnQuietly(options: ChildOptions): { process: ChildProcess; closeLog: () => void } {
  mkdirSync(dirname(options.logFile), { recursive: true })
  const log = openSync(options.logFile, 'a')
  const process = spawn('/bin/sh', ['-c', launcher, options.argv[0]!, ...options.argv], {
    cwd: options.folder,
    env: options.environment as NodeJS.ProcessEnv,
    stdio: ['ignore', options.onLine ? 'pipe' : log, log, 'pipe'],
    detached: true,
  })
  return { process, closeLog: () => closeSync(log) }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `killed by ${signal}`
  if (code === 127) return 'exit code 127, which a shell gives for a command that is not there'
  return `exit code ${code}`
}

/** A line longer than 64 KiB is cut. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(0, 65_536)
    for (const line of lines) onLine(line)
  })
}
