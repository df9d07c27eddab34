/**
 * The log of Weft's own processes: one JSON object a line on standard error, or a plain line for a person at a terminal.
 * Own code rather than a library: the proxy may hold few modules in memory, and this is all that it needs
 * (docs/decisions/0004-small-proxy.md). Secrets never go in: pass names of things, not their contents.
 */

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogFields = Record<string, string | number | boolean | undefined>

export interface LogSink {
  write(line: string): void
}

export interface LogOptions {
  /** What speaks: `control`, `proxy`, `up`. */
  component: string
  /** Told with each line. */
  fields?: LogFields
  level?: LogLevel
  format?: 'json' | 'text'
  sink?: LogSink
  /** Milliseconds since 1970. */
  now?: () => number
}

/**
 * Whoever reads our lines may go away. That must not cost the process, and to log the fault would be the same fault again, without
 * end: from then on nothing is written.
 */
class StandardError implements LogSink {
  #isWatched = false
  #isGone = false

  write(line: string): void {
    if (this.#isGone) return
    if (!this.#isWatched) {
      this.#isWatched = true
      process.stderr.on('error', () => {
        this.#isGone = true
      })
    }
    process.stderr.write(line)
  }
}

const standardError = new StandardError()

export class Log {
  readonly #options: Required<LogOptions>
  #threshold: number
  /** Told of a new level: others may log for this process. */
  onLevel: ((level: LogLevel) => void) | undefined

  constructor(options: LogOptions) {
    this.#options = {
      fields: {},
      level: 'info',
      format: 'json',
      sink: standardError,
      now: Date.now,
      ...options,
    }
    this.#threshold = logLevels.indexOf(this.#options.level)
  }

  get level(): LogLevel {
    return logLevels[this.#threshold]!
  }

  set level(level: LogLevel) {
    this.#threshold = logLevels.indexOf(level)
    this.onLevel?.(level)
  }

  debug(message: string, fields?: LogFields): void {
    this.#write(0, message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write(1, message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write(2, message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#write(3, message, fields)
  }

  /** A whole line of another thread's log. */
  pass(line: string): void {
    this.#options.sink.write(line)
  }

  #write(rank: number, message: string, fields: LogFields = {}): void {
    if (rank < this.#threshold) return
    const { component, fields: own, format, sink, now } = this.#options
    const level = logLevels[rank]
    const time = new Date(now()).toISOString()
    if (format === 'json') {
      sink.write(`${JSON.stringify({ time, level, component, message, ...own, ...fields })}\n`)
      return
    }
    const rest = Object.entries({ ...own, ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${String(value)}`)
      .join('')
    sink.write(`${time} ${level} ${component}: ${message}${rest}\n`)
  }
}
