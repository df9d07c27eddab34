/**
 * The control plane as a process: `node src/main/control.ts --config DIR … --xds HOST:PORT --api HOST:PORT`.
 * Prints one JSON line when it listens: `{"event":"ready","xds":"127.0.0.1:15010","api":"http://127.0.0.1:15080"}`.
 * Exit codes: 0 stopped, 1 could not start, 2 wrong usage.
 */
import { parseArgs } from 'node:util'
import { startControlPlane } from '#/control/control-plane.ts'
import { formatHostPort, type HostPort, parseHostPort } from '#/std/host-port.ts'
import { Log, type LogLevel, logLevels } from '#/std/log.ts'

const usage = `Usage: control --config DIR [--config DIR …] [--xds 127.0.0.1:15010] [--api 127.0.0.1:15080]
               [--service-range 198.19.0.0/20] [--log-level ${logLevels.join('|')}] [--log-format json|text]`

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`)
  process.exit(2)
}

function readAddress(flag: string, text: string): HostPort {
  const match = /^(.*):0$/.exec(text)
  const address = match ? { host: match[1]!, port: 0 } : parseHostPort(text)
  return address ?? fail(`--${flag} ${text}: expected HOST:PORT, like 127.0.0.1:15010`)
}

function readFlags() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string', multiple: true, default: [] },
        xds: { type: 'string', default: '127.0.0.1:15010' },
        api: { type: 'string', default: '127.0.0.1:15080' },
        'service-range': { type: 'string', default: '' },
        'log-level': { type: 'string', default: 'info' },
        'log-format': { type: 'string', default: 'json' },
      },
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

const flags = readFlags()
if (flags.config.length === 0) fail('--config is missing: which folder holds the YAML?')
if (!logLevels.includes(flags['log-level'] as LogLevel))
  fail(`--log-level ${flags['log-level']}: expected one of ${logLevels.join(', ')}`)
const log = new Log({
  component: 'control',
  level: flags['log-level'] as LogLevel,
  format: flags['log-format'] === 'text' ? 'text' : 'json',
})

try {
  const control = await startControlPlane({
    directories: flags.config,
    xds: readAddress('xds', flags.xds),
    api: readAddress('api', flags.api),
    ...(flags['service-range'] ? { serviceRange: flags['service-range'] } : {}),
    log,
  })
  process.stdout.write(
    `${JSON.stringify({ event: 'ready', xds: formatHostPort(control.xds), api: `http://${formatHostPort(control.api)}` })}\n`,
  )
  let isStopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1)
      isStopping = true
      void control.stop().then(() => process.exit(0))
    })
  }
} catch (error) {
  log.error('the control plane could not start', { reason: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
