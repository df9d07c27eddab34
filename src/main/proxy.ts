/**
 * The sidecar as a process: `node src/main/proxy.ts --node-id POD.NAMESPACE --control HOST:PORT`; `--help` lists all settings.
 * It is ready when `/ready` on the admin endpoint says so, and logs `ready` once.
 * Exit codes: 0 drained and stopped, 1 could not start or was told twice to stop, 2 wrong usage.
 */
import { join } from 'node:path'
import { defaultLimits } from '#/codec/http1/limits.ts'
import { TimerWheel } from '#/codec/timer-wheel.ts'
import { helpText } from '#/config/describe-settings.ts'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import { proxySettings } from '#/config/proxy-settings.ts'
import { readSettings } from '#/config/read-settings.ts'
import { askForCertificate } from '#/identity/workload/certificate-client.ts'
import { openSecureStream } from '#/identity/workload/secure-stream.ts'
import { WorkloadIdentity } from '#/identity/workload/workload-identity.ts'
import { rootSecretName } from '#/model/trust-secret.ts'
import { BoundListener } from '#/proxy/listener/bound-listener.ts'
import { WorkingSet } from '#/proxy/memory/working-set.ts'
import { dumpProxy } from '#/proxy/proxy-dump.ts'
import { ProxyEngine } from '#/proxy/proxy-engine.ts'
import { identityOf, nodeOf } from '#/proxy/proxy-identity.ts'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import { createAdminHandler } from '#/telemetry/admin/admin-handler.ts'
import type { AdminState } from '#/telemetry/admin/admin-state.ts'
import type { TelemetryOptions } from '#/telemetry/telemetry.ts'
import { Telemetry } from '#/telemetry/telemetry.ts'
import { LastGoodFile } from '#/xds/fetch/last-good-file.ts'
import { XdsClient } from '#/xds/fetch/xds-client.ts'
import { decoders } from '#/xds/resources/decode/decoders.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import manifest from '../../package.json' with { type: 'json' }

/** The first wait for a control plane that can't be reached, and the longest, ms. */
const reconnect = { initialMs: 100, maxMs: 10_000 }
/** Pages of the binary are given back when start-up is over, and what came back meanwhile now and then, ms. */
const workingSet = { firstMs: 3000, everyMs: 10_000 }
/** How often it is looked whether the proxy has become ready, for the log, ms. */
const readyPollMs = 10

function readProxySettings(): ProxySettings {
  const given = process.argv.slice(2)
  if (given.includes('--help')) {
    process.stdout.write(helpText('weft proxy: the sidecar', proxySettings))
    process.exit(0)
  }
  const read = readSettings(proxySettings, { arguments: given, environment: process.env })
  if (read.ok) return read.values
  process.stderr.write(`${read.faults.join('\n')}\nAll settings: --help\n`)
  process.exit(2)
}

/** None without the addresses of an authority. */
function newIdentity(settings: ProxySettings, log: Log): WorkloadIdentity | undefined {
  const { controlSecure, trustDomain, identityTokenFile, trustBundleFile, certificateReloadMs } = settings
  if (controlSecure.length === 0) return undefined
  return new WorkloadIdentity({
    addresses: controlSecure,
    trustDomain,
    tokenFile: identityTokenFile,
    bundleFile: trustBundleFile,
    pollMs: certificateReloadMs,
    ask: askForCertificate,
    backoff: new Backoff({ ...reconnect, random }),
    clock,
    random,
    log,
  })
}

function newXdsClient(settings: ProxySettings, identity: WorkloadIdentity | undefined, log: Log): XdsClient {
  const { stateDir, nodeId } = settings
  const path = join(stateDir, 'last-good.json')
  return new XdsClient({
    node: nodeOf(settings, manifest.version),
    addresses: identity ? settings.controlSecure : settings.control,
    protocol: settings.xdsProtocol,
    decoders,
    openStream: (options) => (identity ? openSecureStream(identity, options) : new GrpcStream(options)),
    backoff: new Backoff({ ...reconnect, random }),
    clock,
    log,
    ...(stateDir === '' ? {} : { lastGood: new LastGoodFile({ path, nodeId, clock, log }) }),
  })
}

function newTelemetry(settings: ProxySettings, xds: XdsClient, log: Log): Telemetry {
  const { accessLog, seriesMax, seriesIdleMs } = settings
  const target: NonNullable<TelemetryOptions['accessLog']>['target'] =
    accessLog === 'stdout' ? 'stdout' : { file: accessLog }
  const onError = (error: Error): void => log.warn('the access log can not be written', { reason: error.message })
  return new Telemetry({
    self: identityOf(settings),
    clock,
    version: manifest.version,
    ...(accessLog === 'off' ? {} : { accessLog: { target, onError, isQueryStripped: !settings.accessLogQuery } }),
    seriesMax,
    seriesIdleMs,
    xds: () => {
      const { isConnected, types } = xds.status
      return { isConnected, nacks: Object.values(types).reduce((sum, { nacks }) => sum + nacks, 0) }
    },
  })
}

interface Program {
  settings: ProxySettings
  engine: ProxyEngine
  telemetry: Telemetry
  xds: XdsClient
  identity: WorkloadIdentity | undefined
  log: Log
}

/**
 * Nobody is called ready without the leaf that others may ask for; but what served before its control plane went away serves on, since
 * an authority that can't be reached has refused nothing.
 */
function readinessOf({ engine, identity }: Pick<Program, 'engine' | 'identity'>): { isReady: boolean; detail: string } {
  const isKnown = !identity || identity.svid.value !== undefined || identity.isUnreachable
  const isReady = engine.isReady && isKnown
  return { isReady, detail: isReady ? '' : engine.unreadiness || `has no certificate: ${identity?.reason}` }
}

function adminState({ settings, engine, telemetry, xds, identity, log }: Program, stop: () => void): AdminState {
  return {
    log,
    registry: telemetry.registry,
    readiness: () => readinessOf({ engine, identity }),
    configDump: () => ({ node: nodeOf(settings, manifest.version), xds: xds.status, ...dumpProxy(engine) }),
    clusters: () => clusterStatuses(engine),
    drain: stop,
    quit: stop,
  }
}

function* clusterStatuses(engine: ProxyEngine): ReturnType<AdminState['clusters']> & Generator {
  for (const { name, upstream } of engine.table.clusters.entries.values()) {
    if (!upstream) continue
    const endpoints = upstream.slots.map(({ key, endpoint, active, requests, failures }) => {
      const { health, weight, workload } = endpoint
      const pod = workload ? `${workload.pod}.${workload.namespace}` : ''
      return { address: key, health, weight, active, requests, failures, workload: pod }
    })
    yield { name, loadBalancing: upstream.model.loadBalancing, endpoints }
  }
}

/** The admin endpoint comes up first, so that readiness can be asked while there is none. */
async function serveAdmin(program: Program, stop: () => void): Promise<BoundListener> {
  const { settings, log } = program
  const handler = createAdminHandler(adminState(program, stop))
  const admin = new BoundListener({
    address: settings.admin,
    limits: { ...defaultLimits, idleTimeoutMs: 60_000 },
    wheel: new TimerWheel({ tickMs: 1000, clock }),
    connectionsMax: 100,
    handlerFor: () => handler,
    onConnection: () => undefined,
    onConnectionClosed: () => undefined,
    onError: (error) => log.error('the admin endpoint failed', { fault: error.message }),
  })
  await admin.bind()
  return admin
}

function logWhenReady(program: Program, admin: BoundListener): void {
  const { log } = program
  if (!readinessOf(program).isReady) {
    clock.after(readyPollMs, () => logWhenReady(program, admin), true)
    return
  }
  new WorkingSet({ clock, log, ...workingSet }).start()
  log.info('ready', { admin: formatHostPort(admin.address!), pid: process.pid })
}

function tellMemory({ memory }: ProxyEngine, { registry }: Telemetry): void {
  registry.gauge('weft_proxy_overloaded', 'Whether memory is short, so that new requests are refused.', () =>
    memory.isShort ? 1 : 0,
  )
  registry.gauge(
    'weft_proxy_memory_limit_bytes',
    'Resident memory that the proxy may use; 0 for no limit.',
    () => memory.bytesMax,
  )
}

/** Configuration is for who shows a leaf, so that comes first. */
function startXds({ xds, identity, log }: Pick<Program, 'xds' | 'identity' | 'log'>): void {
  if (!identity) {
    xds.start()
    return
  }
  const unsubscribe = identity.svid.subscribe(() => {
    unsubscribe()
    xds.start()
  })
  xds.subscribe('secret', rootSecretName, {
    onResource: (_, { trustedCaPem }) => identity.setRoots(trustedCaPem),
    onMissing: () => log.debug('this control plane hands out no roots'),
  })
  identity.start()
}

async function main(): Promise<void> {
  const settings = readProxySettings()
  const log = new Log({ component: 'proxy', level: settings.logLevel, format: settings.logFormat })
  const identity = newIdentity(settings, log)
  const xds = newXdsClient(settings, identity, log)
  const telemetry = newTelemetry(settings, xds, log)
  const engine = new ProxyEngine({ settings, source: xds, events: telemetry, log, clock, random })
  tellMemory(engine, telemetry)
  let isStopping = false
  const stop = (): void => {
    if (isStopping) return
    isStopping = true
    void engine.drain.start().then(() => {
      engine.close()
      xds.stop()
      identity?.stop()
      telemetry.close()
      log.info('stopped')
      process.exit(0)
    })
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1)
      stop()
    })
  }
  const program = { settings, engine, telemetry, xds, identity, log }
  const admin = await serveAdmin(program, stop)
  // From here on a mistake costs the connection that it happened on, not the others.
  process.on('uncaughtException', (error) =>
    log.error('a fault that nobody caught', { stack: error.stack ?? String(error) }),
  )
  startXds(program)
  logWhenReady(program, admin)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`the proxy could not start: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
