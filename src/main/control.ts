/**
 * The control plane as a process: `node src/main/control.ts --config DIR … --xds HOST:PORT --api HOST:PORT`.
 * Prints one JSON line when it listens: `{"event":"ready","xds":"127.0.0.1:15010","api":"http://127.0.0.1:15080"}`.
 * Exit codes: 0 stopped, 1 could not start, 2 wrong usage.
 */
import { parseArgs } from 'node:util'
import { startControlPlane } from '#/control/control-plane.ts'
import type { IdentityOptions } from '#/control/identity/identity-plane.ts'
import { leafLifeMaxMs } from '#/identity/ca/authority.ts'
import { parseBundleSource } from '#/identity/federation/bundle-source.ts'
import { trustDomainFault } from '#/identity/spiffe/spiffe-id.ts'
import { formatHostPort, type HostPort, parseHostPort } from '#/std/host-port.ts'
import { Log, type LogLevel, logLevels } from '#/std/log.ts'

const usage = `Usage: control --config DIR [--config DIR …] [--xds 127.0.0.1:15010] [--api 127.0.0.1:15080]
               [--secure 127.0.0.1:15012 --identity-dir DIR [--trust-domain cluster.local] [--leaf-life-ms 86400000]
                [--ca-certificate-file FILE --ca-key-file FILE --ca-root-file FILE [--ca-crl-file FILE]]
                [--bundle-endpoint HOST:PORT [--bundle-endpoint-certificate-file FILE --bundle-endpoint-key-file FILE]]
                [--federate TRUST-DOMAIN=https://HOST[:PORT]/PATH[,id=SPIFFE-ID,bundle=FILE] …]]
               [--records-dir DIR] [--service-range 198.19.0.0/20] [--log-level ${logLevels.join('|')}] [--log-format json|text]`

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
        secure: { type: 'string', default: '' },
        'identity-dir': { type: 'string', default: '' },
        'trust-domain': { type: 'string', default: 'cluster.local' },
        'leaf-life-ms': { type: 'string', default: String(leafLifeMaxMs) },
        'ca-certificate-file': { type: 'string', default: '' },
        'ca-key-file': { type: 'string', default: '' },
        'ca-root-file': { type: 'string', default: '' },
        'ca-crl-file': { type: 'string', default: '' },
        'bundle-endpoint': { type: 'string', default: '' },
        'bundle-endpoint-certificate-file': { type: 'string', default: '' },
        'bundle-endpoint-key-file': { type: 'string', default: '' },
        federate: { type: 'string', multiple: true, default: [] },
        'records-dir': { type: 'string', default: '' },
        'service-range': { type: 'string', default: '' },
        'log-level': { type: 'string', default: 'info' },
        'log-format': { type: 'string', default: 'json' },
      },
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

/** Files of a plugged-in authority are looked at this often, ms. */
const authorityPollMs = 5000

/** Identity needs a port and a folder. */
function readIdentity(): IdentityOptions | undefined {
  const { secure, 'identity-dir': folder, 'trust-domain': trustDomain, 'leaf-life-ms': life } = flags
  if (secure === '' && folder === '') return undefined
  if (secure === '' || folder === '') fail('--secure and --identity-dir go together')
  const domainFault = trustDomainFault(trustDomain)
  if (domainFault !== '') fail(`--trust-domain ${trustDomain}: ${domainFault}`)
  const leafLifeMs = Number(life)
  if (!(leafLifeMs >= 1000 && leafLifeMs <= leafLifeMaxMs))
    fail(`--leaf-life-ms ${life}: expected 1000 to ${leafLifeMaxMs}`)
  const plugged = readPlugged()
  const federation = readFederation(trustDomain)
  return {
    secure: readAddress('secure', secure),
    folder,
    trustDomain,
    leafLifeMs,
    federation,
    ...(plugged ? { plugged } : {}),
  }
}

function readFederation(own: string): NonNullable<IdentityOptions['federation']> {
  const sources = flags.federate.map((text) => {
    const source = parseBundleSource(text)
    if (typeof source === 'string') fail(`--federate ${text}: ${source}`)
    if (source.trustDomain === own) fail(`--federate ${text}: ${own} is our own trust domain`)
    return source
  })
  const twice = sources.find(({ trustDomain }, i) => sources.findIndex((one) => one.trustDomain === trustDomain) < i)
  if (twice) fail(`--federate: ${twice.trustDomain} stands there twice`)
  const { 'bundle-endpoint-certificate-file': certificate, 'bundle-endpoint-key-file': key } = flags
  if ((certificate === '') !== (key === ''))
    fail('--bundle-endpoint-certificate-file and --bundle-endpoint-key-file go together')
  const endpoint = flags['bundle-endpoint']
  if (endpoint === '') return { sources }
  const address = readAddress('bundle-endpoint', endpoint)
  return { sources, endpoint: { address, ...(certificate === '' ? {} : { files: { certificate, key } }) } }
}

function readPlugged(): IdentityOptions['plugged'] {
  const files = {
    certificate: flags['ca-certificate-file'],
    key: flags['ca-key-file'],
    roots: flags['ca-root-file'],
  }
  const revocations = flags['ca-crl-file']
  const given = Object.values(files).filter((path) => path !== '')
  if (given.length === 0 && revocations === '') return undefined
  if (given.length < 3) fail('--ca-certificate-file, --ca-key-file and --ca-root-file go together')
  return { type: 'plugged', files, pollMs: authorityPollMs, ...(revocations ? { revocations } : {}) }
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
  const identity = readIdentity()
  const control = await startControlPlane({
    directories: flags.config,
    xds: readAddress('xds', flags.xds),
    api: readAddress('api', flags.api),
    ...(identity ? { identity } : {}),
    ...(flags['records-dir'] ? { recordsFolder: flags['records-dir'] } : {}),
    ...(flags['service-range'] ? { serviceRange: flags['service-range'] } : {}),
    log,
  })
  const ready = {
    event: 'ready',
    xds: formatHostPort(control.xds),
    api: `http://${formatHostPort(control.api)}`,
    ...(control.secure ? { secure: formatHostPort(control.secure) } : {}),
  }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
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
