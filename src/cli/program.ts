/** The table of commands as a program: parses the words, runs the command, turns errors into messages and exit codes. */
import { CommanderError, Option, Command as Parser } from 'commander'
import { type Command, CommandError, type ExitCode, exitCodes, type Invocation, type Surroundings } from './command.ts'
import { commands, groups } from './commands.ts'
import { colorsFor } from './output/color.ts'
import { packageVersion } from './package-version.ts'

/** Runs one command line, given without the program's own name. Never throws for what a user did. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  let code: ExitCode = 0
  const program = buildProgram(surroundings, async (command, invocation) => {
    code = await command.run(invocation, surroundings)
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    return explain(error, surroundings)
  }
}

function explain(error: unknown, { errors }: Surroundings): ExitCode {
  const colors = colorsFor(errors)
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const isOurs = error instanceof CommandError
  const message = error instanceof Error ? error.message : String(error)
  errors.write(`${colors.red('weft:')} ${message}\n`)
  if (isOurs && error.cure) errors.write(`${error.cure}\n`)
  if (!isOurs && error instanceof Error && error.stack) errors.write(`${colors.dim(error.stack)}\n`)
  return isOurs ? error.code : 1
}

type Run = (command: Command, invocation: Invocation) => Promise<void>

export function buildProgram(surroundings: Surroundings, run: Run): Parser {
  const { output, errors } = surroundings
  const program = new Parser('weft')
    .description('A service mesh for Kubernetes, and for your laptop.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .showHelpAfterError('(add --help for help)')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => errors.write(text),
      getOutHasColors: () => output.hasColor,
      getErrHasColors: () => errors.hasColor,
      getOutHelpWidth: () => output.columns,
      getErrHelpWidth: () => output.columns,
    })
    .addHelpText('after', () => `\nExit codes:\n${exitCodeLines()}`)
  const parents = new Map<string, Parser>()
  for (const command of commands) {
    const words = command.name.split(' ')
    const parser = parentFor(words.slice(0, -1), program, parents).command(words.at(-1)!)
    addCommand(parser, command, run)
  }
  return program
}

function parentFor(words: readonly string[], program: Parser, parents: Map<string, Parser>): Parser {
  let parent = program
  for (const word of words) {
    const known: Parser = parents.get(word) ?? parent.command(word).description(groups[word] ?? '')
    parents.set(word, known)
    parent = known
  }
  return parent
}

function addCommand(parser: Parser, command: Command, run: Run): void {
  parser.summary(command.summary).description(describe(command)).allowExcessArguments(false)
  for (const { name, summary, isOptional, isMany, choices } of command.arguments) {
    const word = `${name}${isMany ? '...' : ''}`
    const argument = parser.createArgument(isOptional ? `[${word}]` : `<${word}>`, summary)
    parser.addArgument(choices ? argument.choices(choices) : argument)
  }
  for (const { name, short, value, choices, default: fallback, isMany, summary } of command.options) {
    const flags = `${short ? `-${short}, ` : ''}--${name}${value ? ` <${value}>` : ''}`
    const option = new Option(flags, summary)
    if (choices) option.choices(choices)
    const many = isMany && fallback !== undefined ? [fallback] : undefined
    if (fallback !== undefined) option.default(many ?? fallback)
    // What is given stands in place of the default, not behind it.
    if (isMany)
      option.argParser((text: string, before: string[] | undefined) =>
        before === undefined || before === many ? [text] : [...before, text],
      )
    parser.addOption(option)
  }
  const lines = command.examples.map(({ line, does }) => `  $ ${line}\n      ${does}`)
  parser.addHelpText('after', `\nExamples:\n${lines.join('\n')}\n\nExit codes:\n${exitCodeLines()}`)
  parser.action(async (...given: unknown[]) => {
    // commander hands over one value an argument, then the options, then the command itself.
    const values = new Map(command.arguments.map(({ name }, i) => [name, given[i]]))
    await run(command, invocationOf(values, new Map(Object.entries(parser.opts()))))
  })
}

function describe({ summary, details }: Command): string {
  const sentence = `${summary[0]!.toUpperCase()}${summary.slice(1)}.`
  return details ? `${sentence}\n\n${details}` : sentence
}

function exitCodeLines(): string {
  return Object.entries(exitCodes)
    .map(([code, meaning]) => `  ${code}  ${meaning}`)
    .join('\n')
}

function invocationOf(given: ReadonlyMap<string, unknown>, options: ReadonlyMap<string, unknown>): Invocation {
  const listOf = (value: unknown): string[] =>
    value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)]
  const optionOf = (name: string): unknown => options.get(camelCase(name))
  return {
    argument: (name) => listOf(given.get(name))[0],
    arguments: (name) => listOf(given.get(name)),
    option: (name) => listOf(optionOf(name)).at(-1),
    options: (name) => listOf(optionOf(name)),
    has: (name) => optionOf(name) === true,
  }
}

/** commander keeps `--drain-delay-ms` as `drainDelayMs`. */
function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
