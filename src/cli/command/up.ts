/** `weft up` */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { readSettings } from '#/config/read-settings.ts'
import { describeValue, flagOf, formatDefault, type Setting } from '#/config/setting.ts'
import { type UpSettings, upSettings } from '#/config/up-settings.ts'
import type { Announce } from '#/up/mesh-event.ts'
import {
  type Command,
  CommandError,
  type ExitCode,
  type Invocation,
  type OptionRow,
  type Surroundings,
} from '../command.ts'

export const upCommand: Command = {
  name: 'up',
  summary: 'run a directory of Kubernetes YAML as a mesh on this machine',
  details:
    'Every Deployment whose container has a `command` runs that command, one process a replica, each with a sidecar of its own. PORT and HOST tell it where to listen; http_proxy leads its calls to the sidecar. Saving a YAML file takes effect at once. Ctrl-C ends it all.',
  arguments: [{ name: 'dir', summary: 'the directory of YAML', completes: 'directory' }],
  options: [
    {
      name: 'output',
      short: 'o',
      value: 'FORMAT',
      choices: ['text', 'json'],
      default: 'text',
      summary: 'words for people, or one JSON line a state change',
    },
    ...settingOptions(),
  ],
  examples: [
    { line: 'weft up examples/shop', does: 'the demo: seven services and their sidecars' },
    { line: 'weft up examples/hello --output json', does: 'one JSON line a state change; `ready` holds every address' },
    { line: 'sudo weft up examples/shop --isolate', does: 'a network namespace a replica, as in a pod (Linux)' },
  ],
  run,
}

/** The settings of `weft up` as options of the command. */
function settingOptions(): OptionRow[] {
  return Object.entries<Setting>(upSettings).map(([name, setting]) => {
    const isFlag = setting.type === 'boolean'
    const fallback = isFlag ? '' : ` (${describeValue(setting)}; default ${formatDefault(setting)})`
    const value = isFlag ? {} : { value: (setting.unit ?? 'value').toUpperCase() }
    return { name: flagOf(name).slice(2), ...value, summary: `${setting.reason}${fallback}` }
  })
}

async function run(invocation: Invocation, surroundings: Surroundings): Promise<ExitCode> {
  const { environment, folder } = surroundings
  const directory = resolve(folder, invocation.argument('dir')!)
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CommandError(
      2,
      `${directory} is no directory`,
      'Give a directory of Kubernetes YAML, like examples/shop.',
    )
  }
  const settings = settingsOf(invocation, surroundings)
  const { StartRefusal, Supervisor } = await import('#/up/supervisor.ts')
  const announce = await announcer(invocation, surroundings)
  try {
    const supervisor = new Supervisor({ directory, settings, environment, announce })
    await runUntilSignal(supervisor)
    return 0
  } catch (error) {
    if (error instanceof StartRefusal) throw new CommandError(1, error.message)
    throw error
  }
}

function settingsOf(invocation: Invocation, { environment }: Surroundings): UpSettings {
  const flags = Object.keys(upSettings).flatMap((name) => {
    const flag = flagOf(name)
    const value = invocation.option(flag.slice(2))
    return value === undefined ? [] : [`${flag}=${value}`]
  })
  const read = readSettings(upSettings, { arguments: flags, environment })
  if (!read.ok) throw new CommandError(2, read.faults.join('\n'))
  return read.values
}

async function announcer(invocation: Invocation, surroundings: Surroundings): Promise<Announce> {
  if (invocation.option('output') === 'json') {
    return (event) => surroundings.output.write(`${JSON.stringify(event)}\n`)
  }
  const { TerminalScreen } = await import('../screen/terminal-screen.ts')
  const screen = new TerminalScreen({ surroundings })
  return (event) => screen.announce(event)
}

/** The first signal ends the mesh in order, the second at once. A reader that went away counts as a signal. */
async function runUntilSignal(supervisor: {
  start(): Promise<void>
  stop(): Promise<void>
  kill(): void
}): Promise<void> {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  let isStopping = false
  const onSignal = (): void => {
    if (isStopping) {
      supervisor.kill()
      process.exit(1)
    }
    isStopping = true
    void supervisor.stop().then(end, end)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  process.stdout.on('error', () => {
    if (!isStopping) onSignal()
  })
  const started = supervisor.start()
  // A start that fails ends what it had started, and is told; one that was stopped may never finish.
  await Promise.race([started.then(() => ended), ended])
    .catch(async (error) => {
      await supervisor.stop()
      throw error
    })
    .finally(() => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal)
    })
}
