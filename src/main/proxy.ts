/**
 * The sidecar as a process: `node src/main/proxy.ts --node-id POD.NAMESPACE --control HOST:PORT`; `--help` lists all settings.
 * It is ready when `/ready` on the admin endpoint says so, and logs `ready` once.
 * Exit codes: 0 drained and stopped, 1 could not start or was told twice to stop, 2 wrong usage.
 */
import { join } from 'node:path'
import { defaultLimits } from '#/codec/http1/limits.ts'
import { TimerWheel } from '#/codec/timer-wheel.ts'
import { loopsByCpuLimit } from '#/config/cpu-limit.ts'
import { helpText } from '#/config/describe-settings.ts'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import { proxySettings } from '#/config/proxy-settings.ts'
import { readSettings } from '#/config/read-settings.ts'
import { askForCertificate } from '#/identity/workload/certificate-client.ts'
import type { IdentitySource } from '#/identity/workload/identity-source.ts'
import { openSecureStream } from '#/identity/workload/secure-stream.ts'
import { WorkloadApiSource } from '#/identity/workload/workload-api-source.ts'
import { WorkloadIdentity } from '#/identity/workload/workload-identity.ts'
import { identitySecretName } from '#/model/tls.ts'
import { rootSecretName } from '#/model/trust-secret.ts'
import { BoundListener } from '#/proxy/listener/bound-listener.ts'
import { WorkingSet } from '#/proxy/memory/working-set.ts'
import { nodeOf } from '#/proxy/proxy-identity.ts'
import { type SecretPem, SecretStore } from '#/proxy/tls/secret-store.ts'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { createAdminHandler } from '#/telemetry/admin/admin-handler.ts'
import type { AdminState } from '#/telemetry/admin/admin-state.ts'
import type { XdsState } from '#/telemetry/telemetry.ts'
import { LastGoodFile } from '#/xds/fetch/last-good-file.ts'
import { XdsClient } from '#/xds/fetch/xds-client.ts'
import { decoders } from '#/xds/resources/decode/decoders.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import manifest from '../../package.json' with { type: 'json' }
import { newTelemetry, type ProxyBody, ProxyLoop } from './proxy-body.ts'

/** The first wait for a control plane that can't be reached, and the longest, ms. */
const reconnect = { initialMs: 100, maxMs: 10_000 }
/** Pages of the binary are given back when start-up is over, and what came back meanwhile now and then, ms. */
const workingSet = { firstMs: 3000, everyMs: 10_000 }
/** How often it is looked whether the proxy has become ready, for the log, ms. */
const readyPollMs = 10
/** The only argument where this program runs as an event loop in a thread: one file for both, in a bundle too. */
const inThread = 'event-loop'

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

/** None without a Workload API and the addresses of an authority. */
function newIdentity(settings: ProxySettings, log: Log): IdentitySource | undefined {
  const { controlSecure, trustDomain, identityTokenFile, trustBundleFile, certificateReloadMs, workloadApi } = settings
  const backoff = new Backoff({ ...reconnect, random })
  if (workloadApi !== '') return new WorkloadApiSource({ socket: workloadApi, trustDomain, backoff, clock, log })
  if (controlSecure.length === 0) return undefined
  return new WorkloadIdentity({
    addresses: controlSecure,
    trustDomain,
    tokenFile: identityTokenFile,
    bundleFile: trustBundleFile,
    ...(settings.stateDir === '' ? {} : { keptFile: join(settings.stateDir, 'leaf.pem') }),
    pollMs: certificateReloadMs,
    ask: askForCertificate,
    backoff,
    clock,
    random,
    log,
  })
}

function newXdsClient(settings: ProxySettings, identity: IdentitySource | undefined, log: Log): XdsClient {
  const { stateDir, nodeId } = settings
  const path = join(stateDir, 'last-good.json')
  const isSecure = settings.controlSecure.length > 0
  return new XdsClient({
    node: nodeOf(settings, manifest.version),
    addresses: isSecure ? settings.controlSecure : settings.control,
    protocol: settings.xdsProtocol,
    decoders,
    openStream: (options) => (identity && isSecure ? openSecureStream(identity, options) : new GrpcStream(options)),
    backoff: new Backoff({ ...reconnect, random }),
    clock,
    log,
    ...(stateDir === '' ? {} : { lastGood: new LastGoodFile({ path, nodeId, clock, log }) }),
  })
}

/** Beside the roots of the own trust domain. */
type PeerTrust = Required<Pick<SecretPem, 'federated' | 'revocations'>>

interface Program {
  settings: ProxySettings
  body: ProxyBody
  xds: XdsClient
  identity: IdentitySource | undefined
  /** Roots of other trust domains, as the control plane tells them. */
  /** What the control plane says of whom to trust; the identity holds the roots. */
  trust: WatchedValue<PeerTrust>
  log: Log
}

/**
 * Nobody is called ready without the leaf that others may ask for; but what served before its control plane went away serves on, since
 * an authority that can't be reached has refused nothing.
 */
function readinessOf({ body, identity }: Pick<Program, 'body' | 'identity'>): { isReady: boolean; detail: string } {
  const isKnown = !identity || identity.svid.value !== undefined || identity.isUnreachable
  const isReady = body.isReady && isKnown
  return { isReady, detail: isReady ? '' : body.unreadiness || `has no certificate: ${identity?.reason}` }
}

function adminState({ settings, body, xds, identity, log }: Program, stop: () => void): AdminState {
  return {
    log,
    registry: body.registry,
    readiness: () => readinessOf({ body, identity }),
    configDump: () => ({ node: nodeOf(settings, manifest.version), xds: xds.status, ...body.dump() }),
    clusters: () => body.clusters(),
    traffic: () => body.traffic?.(),
    ...(body.gather ? { gather: (path, done) => body.gather!(path, done) } : {}),
    drain: stop,
    quit: stop,
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

/** By TLS, configuration is for who shows a leaf, so that comes first. */
function startXds({ settings, xds, identity, trust, log }: Omit<Program, 'body'>): void {
  if (!identity || settings.controlSecure.length === 0) xds.start()
  if (!identity) return
  const unsubscribe = identity.svid.subscribe(() => {
    unsubscribe()
    if (settings.controlSecure.length > 0) xds.start()
  })
  xds.subscribe('secret', rootSecretName, {
    onResource: (_, { trustedCaPem, federation, revocations }) => {
      identity.setRoots(trustedCaPem)
      trust.set({ federated: federation?.others ?? [], revocations: revocations?.pem ?? '' })
    },
    onMissing: () => log.debug('this control plane hands out no roots'),
  })
  identity.start()
}

/** What TLS contexts name: this process's leaf with its key, and the roots of the mesh. */
function secretsOf(identity: IdentitySource, trust: Watched<PeerTrust>): SecretStore {
  const secrets = new SecretStore()
  const tellRoots = (): void => {
    const { svid } = identity
    if (svid.value) secrets.set(rootSecretName, { trustedCa: svid.value.bundlePem, ...trust.value })
  }
  trust.subscribe(tellRoots)
  identity.svid.subscribe(({ certificateChainPem, privateKey }) => {
    tellRoots()
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    secrets.set(identitySecretName, { chain: certificateChainPem, privateKey: key })
  })
  return secrets
}

/** One loop costs nothing of what several need: it is not even loaded. */
async function newBody(
  settings: ProxySettings,
  { xds, identity, trust, log }: Omit<Program, 'body' | 'settings'>,
): Promise<ProxyBody> {
  const xdsState = (): XdsState => {
    const { isConnected, types } = xds.status
    return { isConnected, nacks: Object.values(types).reduce((sum, { nacks }) => sum + nacks, 0) }
  }
  const telemetry = newTelemetry({ settings, log, xds: xdsState })
  const loops = countLoops(settings, log)
  const secrets = identity ? { secrets: secretsOf(identity, trust) } : {}
  if (loops === 1) {
    return new ProxyLoop({ settings, source: xds, telemetry, log, ...secrets })
  }
  const { ProxyLoops } = await import('./proxy-loops.ts')
  const program = { url: new URL(import.meta.url), argv: [inThread] }
  const body = new ProxyLoops({ loops, program, settings, source: xds, telemetry, log, ...secrets })
  xds.onTold = (done) => body.settle(done)
  return body
}

function countLoops({ concurrency }: ProxySettings, log: Log): number {
  const loops = Math.min(concurrency || loopsByCpuLimit(), proxySettings.concurrency.max)
  if (loops === 1 || process.platform === 'linux') return loops
  log.warn('one event loop: on this system several can not listen at one address', { wanted: loops })
  return 1
}

async function main(): Promise<void> {
  const settings = readProxySettings()
  const log = new Log({ component: 'proxy', level: settings.logLevel, format: settings.logFormat })
  const identity = newIdentity(settings, log)
  const xds = newXdsClient(settings, identity, log)
  const trust = new WatchedValue<PeerTrust>({ federated: [], revocations: '' })
  const body = await newBody(settings, { xds, identity, trust, log })
  let isStopping = false
  const stop = (): void => {
    if (isStopping) return
    isStopping = true
    void body.drain.start().then(async () => {
      await body.close()
      xds.stop()
      identity?.stop()
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
  const program = { settings, body, xds, identity, trust, log }
  const admin = await serveAdmin(program, stop)
  // From here on a mistake costs the connection that it happened on, not the others.
  process.on('uncaughtException', (error) =>
    log.error('a fault that nobody caught', { stack: error.stack ?? String(error) }),
  )
  body.start()
  startXds(program)
  logWhenReady(program, admin)
}

try {
  if (process.argv[2] === inThread) (await import('./loop-thread.ts')).runLoopThread()
  else await main()
} catch (error) {
  process.stderr.write(`the proxy could not start: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
