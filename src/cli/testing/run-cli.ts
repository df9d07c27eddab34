/** Runs a command line in this process, with paper for output and errors. */
import type { ExitCode, Surroundings } from '../command.ts'
import { runCommandLine } from '../program.ts'

export interface Outcome {
  code: ExitCode
  output: string
  errors: string
}

export async function runCli(words: readonly string[], changes: Partial<Surroundings> = {}): Promise<Outcome> {
  const texts = { output: '', errors: '' }
  const code = await runCommandLine(words, {
    environment: { XDG_STATE_HOME: '/nonexistent' },
    folder: process.cwd(),
    output: { write: (text) => void (texts.output += text), isTerminal: false, columns: 100, hasColor: false },
    errors: { write: (text) => void (texts.errors += text), isTerminal: false, hasColor: false },
    ...changes,
  })
  return { code, ...texts }
}
