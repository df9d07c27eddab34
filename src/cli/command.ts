/**
 * What a command is: one row of data and the code behind it. Help, completion and the reference are generated from the
 * rows, so they never differ from what the program does.
 */
import type { Environment } from '#/up/state-folder.ts'

export interface OptionRow {
  /** Long flag without dashes: `output`. */
  name: string
  /** One letter. */
  short?: string
  /** What stands for the value in help: `FILE`. Absent for a flag that stands alone. */
  value?: string
  choices?: readonly string[]
  default?: string
  /** May be given several times. */
  isMany?: boolean
  summary: string
  /** What a shell may offer as value. */
  completes?: Completes
}

export interface ArgumentRow {
  name: string
  summary: string
  isOptional?: boolean
  isMany?: boolean
  choices?: readonly string[]
  completes?: Completes
}

export type Completes = 'file' | 'directory' | 'proxy'

export interface Example {
  /** As typed, without the `$`. */
  line: string
  does: string
}

/** Exit codes that scripts can use; the same for every command. */
export const exitCodes = {
  0: 'all is well',
  1: 'faults were found, or the work failed',
  2: 'the command was used wrongly',
  3: "what it needs can't be reached: the control plane, a proxy, or packages that are not installed",
} as const

export type ExitCode = keyof typeof exitCodes

/** Where a command finds its surroundings. */
export interface Surroundings {
  environment: Environment
  folder: string
  /** Paper for results; `isTerminal` when a person reads along. */
  output: { write(text: string): void; isTerminal: boolean; columns: number; hasColor: boolean }
  /** For messages. */
  errors: { write(text: string): void; isTerminal: boolean; hasColor: boolean }
}

export interface Invocation {
  argument(name: string): string | undefined
  arguments(name: string): string[]
  option(name: string): string | undefined
  options(name: string): string[]
  has(name: string): boolean
}

export interface Command {
  /** Words as typed: `proxy status`. */
  name: string
  /** A phrase for the list of commands. */
  summary: string
  /** A paragraph more, for the command's own help. */
  details?: string
  arguments: readonly ArgumentRow[]
  options: readonly OptionRow[]
  /** At least one; tests parse them. */
  examples: readonly Example[]
  run(invocation: Invocation, surroundings: Surroundings): Promise<ExitCode>
}

/** Ends a command with a message for people and an exit code; `cure` says what to do. */
export class CommandError extends Error {
  readonly code: ExitCode
  readonly cure: string

  constructor(code: ExitCode, message: string, cure = '') {
    super(message)
    this.code = code
    this.cure = cure
  }
}

/** `-o`, of every command that prints data. */
export const outputOption: OptionRow = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  choices: ['table', 'json', 'yaml'],
  default: 'table',
  summary: 'a table for people, or JSON or YAML for programs',
}

/** Of every command that asks the control plane. */
export const controlOption: OptionRow = {
  name: 'control',
  value: 'URL',
  summary: 'HTTP API of the control plane; else WEFT_CONTROL, else that of the running `weft up`',
}
