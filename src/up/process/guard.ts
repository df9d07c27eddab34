/**
 * What ends the children when the supervisor can't: a tiny shell process that holds a pipe from it. The supervisor tells it
 * every process group it starts; when the pipe closes, however the supervisor ended (kill -9 included), the guard ends the
 * groups it knows. Plain POSIX, so that it is the same on Linux and macOS, and 1 MB small.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import type { Socket } from 'node:net'

/**
 * Reads `+GROUP`, `-GROUP`, `!SHELL COMMAND` (to run at the end) and `.` (all is well, go). Signals that a terminal sends to
 * everybody do not reach it: it is in a session of its own, and ignores them besides.
 */
const script = `
trap '' INT TERM HUP QUIT PIPE
groups=' '
cleanup=':'
while read -r line; do
  rest=\${line#?}
  case $line in
    +*) groups="$groups$rest " ;;
    -*) case $groups in *" $rest "*) groups="\${groups%%" $rest "*} \${groups#*" $rest "}" ;; esac ;;
    !*) cleanup=$rest ;;
    .) exit 0 ;;
  esac
done
for group in $groups; do kill -TERM -"$group"; done
tries=0
while [ $tries -lt 10 ]; do
  alive=
  for group in $groups; do kill -0 -"$group" && alive=1; done
  [ -z "$alive" ] && break
  sleep 0.1
  tries=$((tries + 1))
done
for group in $groups; do kill -KILL -"$group"; done
eval "$cleanup"
`

/** Signals a process group; one that has ended is no fault. */
export function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // ESRCH: nobody is left in the group; EPERM: macOS says so of a group of which only a zombie is left.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

export class Guard {
  readonly #groups = new Set<number>()
  #cleanup = ''
  #process: ChildProcess | undefined
  #isDismissed = false

  constructor() {
    this.#start()
  }

  /** From now on the process group `group` ends with the supervisor. */
  watch(group: number): void {
    this.#groups.add(group)
    this.#tell(`+${group}`)
  }

  forget(group: number): void {
    this.#groups.delete(group)
    this.#tell(`-${group}`)
  }

  /** A line of shell that is run after the children have ended without the supervisor. Replaces the one before. */
  cleanUpWith(command: string): void {
    this.#cleanup = command
    this.#tell(`!${command}`)
  }

  /** Everything that is left ends now, without a chance to clean up. */
  killAll(): void {
    for (const group of this.#groups) killGroup(group, 'SIGKILL')
  }

  /** The guard goes; nothing is left to guard. */
  dismiss(): void {
    this.#isDismissed = true
    this.#tell('.')
    this.#process?.stdin?.destroy()
  }

  #start(): void {
    const guard = spawn('/bin/sh', ['-c', script, 'weft-guard'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
    })
    this.#process = guard
    guard.unref()
    const pipe = guard.stdin as Socket
    pipe.unref()
    // It ends when it is dismissed or killed; a killed one is replaced, and told everything anew.
    guard.once('exit', () => {
      if (!this.#isDismissed) this.#start()
    })
    pipe.on('error', () => pipe.destroy())
    for (const group of this.#groups) this.#tell(`+${group}`)
    if (this.#cleanup) this.#tell(`!${this.#cleanup}`)
  }

  /** Written at once, past the stream's queue: the supervisor may be gone before the next turn of the event loop. */
  #tell(line: string): void {
    const handle = (this.#process?.stdin as { _handle?: { fd?: number } } | null)?._handle
    if (handle?.fd === undefined || handle.fd < 0) return
    try {
      writeSync(handle.fd, `${line}\n`)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // EPIPE: it was just killed; its successor hears everything.
      if (code !== 'EPIPE') throw error
    }
  }
}
