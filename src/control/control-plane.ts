/**
 * The control plane: the stages in order, a sentence each. Each stage hands the next one a whole, immutable outcome; what
 * did not change keeps its identity, so that the cost of a change follows what it touches.
 */
import { systemClock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import { AdsServer } from '#/xds/serve/ads-server.ts'
import { startApiServer } from './api/api-server.ts'
import { controlMetrics } from './api/control-metrics.ts'
import { type IdentityOptions, IdentityPlane } from './identity/identity-plane.ts'
import { KeySetStore } from './key-set/key-set-store.ts'
import { Publisher } from './publish/publisher.ts'
import { FileSource } from './source/file-source.ts'
import type { Fault, Resources } from './source/resources.ts'
import { withLiveness } from './status/liveness.ts'
import { proxyReport } from './status/proxy-report.ts'
import { RecordKeeper } from './traffic/record-keeper.ts'
import { type Translation, translate } from './translate/translate.ts'

export interface ControlPlaneOptions {
  /** Folders of YAML that are watched, the users' and those of `weft up`. */
  directories: readonly string[]
  /** Where xDS is served; port 0 takes any. Plaintext: loopback only. */
  xds: HostPort
  /** Where the HTTP API is served; port 0 takes any. */
  api: HostPort
  /** Services without a cluster IP get one of this range; for `weft up --isolate`. */
  serviceRange?: string
  /** Certificates for workloads, and xDS for those who show one; none when absent. */
  identity?: IdentityOptions
  /** Folder for the traffic seen and the audit log; both are kept in memory when absent. */
  recordsFolder?: string
  log: Log
}

export interface ControlPlane {
  xds: HostPort
  api: HostPort
  /** The TLS port, where there is identity. */
  secure?: HostPort
  /** Where other trust domains get our bundle, where it is served. */
  bundle?: HostPort
  stop(): Promise<void>
}

/** What users have said, and what is wrong with it by itself. */
interface Said {
  resources: Resources
  faults: readonly Fault[]
}

/** Starts all stages. Resolves when the servers listen; the first configuration follows at once. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { directories, serviceRange, recordsFolder: folder, log } = options
  let translation: Translation | undefined
  let latest: Said | undefined
  let admins: ReadonlyMap<string, string> = new Map()

  // 1. Source: what users and the system have said, each object in its last good version.
  const source = new FileSource({ directories, clock: systemClock, log, ...(serviceRange ? { serviceRange } : {}) })
  // 3. Publish: the mesh as encoded resources, only what changed encoded anew.
  const publisher = new Publisher()
  // 4. Serve: each client what it asked for, over its own stream.
  const server = new AdsServer({ clock: systemClock, log })

  // 6. Remember: who called what, what was refused, what was changed.
  const records = new RecordKeeper({ mesh: () => translation?.mesh, admins: () => admins, folder, log })

  const publish = ({ mesh }: Translation): void => server.publish(publisher.publish(mesh, identity?.secrets()))
  const keySets = new KeySetStore({ clock: systemClock, log, onChange: () => latest && apply(latest) })
  const apply = (said: Said): void => {
    const { resources } = said
    latest = said
    records.follow(resources)
    keySets.follow(resources)
    admins = adminAddresses(resources)
    const startMs = systemClock.monotonicMs()
    // 2. Translate: what is true of the mesh, and what to tell the users.
    const next = translate(resources, {
      ...(translation ? { previous: translation } : {}),
      ...(options.identity ? { trustDomain: options.identity.trustDomain } : {}),
      keySets: keySets.found,
    })
    const isChanged = next.mesh !== translation?.mesh
    translation = next
    if (!isChanged) return
    publish(next)
    const { services, workloads } = next.mesh
    const ms = Math.round(systemClock.monotonicMs() - startMs)
    log.debug('published', { ms, services: services.size, workloads: workloads.size })
  }
  // 5. Vouch: a certificate for each workload, and a TLS port for all of the above.
  const identity = options.identity
    ? new IdentityPlane(options.identity, {
        ads: server,
        accountOf: (node) => translation?.mesh.workloads.get(node)?.serviceAccount,
        clock: systemClock,
        log,
      })
    : undefined
  identity?.onTrust(() => translation && publish(translation))
  const unsubscribe = source.subscribe(apply)

  const xds = await server.listen(options.xds)
  const secure = await identity?.listen()
  // 7. Tell: state of objects and proxies over the HTTP API.
  const api = await startApiServer({
    address: options.api,
    state: {
      isReady: () => translation !== undefined,
      mesh: () => translation?.mesh,
      faults: () => [...(latest?.faults ?? []), ...(translation?.faults ?? [])],
      statuses: () =>
        translation ? withLiveness(translation.statuses, { mesh: translation.mesh, clients: server.clients() }) : [],
      proxies: () => server.clients().map((client) => proxyReport(client, translation?.mesh, admins)),
      metrics: () => controlMetrics(server, translation) + (identity?.metrics() ?? ''),
      records,
      ...(identity ? { authority: identity } : {}),
    },
  })
  log.info('control plane started', {
    xds: formatHostPort(xds),
    api: formatHostPort(api.address),
    secure: secure && formatHostPort(secure),
  })
  return {
    xds,
    api: api.address,
    ...(secure ? { secure } : {}),
    ...(identity?.bundleAddress ? { bundle: identity.bundleAddress } : {}),
    async stop() {
      unsubscribe()
      source.stop()
      keySets.stop()
      await records.stop()
      server.stop()
      await identity?.stop()
      await api.stop()
    },
  }
}

/** Node id → admin endpoint, as Pods tell it. */
function adminAddresses(resources: Resources): Map<string, string> {
  const found = new Map<string, string>()
  for (const { value } of resources.of('Pod').values()) {
    const admin = value.metadata.annotations?.['weft.dev/admin']
    if (admin) found.set(`${value.metadata.name}.${value.metadata.namespace ?? 'default'}`, admin)
  }
  return found
}
