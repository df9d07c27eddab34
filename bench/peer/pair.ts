/**
 * Two sidecars one behind the other, as in a mesh: HTTP/1.1 from the client, TLS 1.3 with certificates both ways between them, HTTP/1.1 to
 * the application. What is counted is both processes together.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { proxyEnvironment, proxyNodeFlags } from '#/config/proxy-launch.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { TlsCertificate } from '#/model/tls.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { AdsServer } from '#/xds/serve/ads-server.ts'
import { fixedSnapshot } from '#/xds/testing/fixed-snapshot.ts'
import { freePort } from '../../test/contract/suite.ts'
import { startEnvoy } from '../../test/interop/envoy.ts'
import { bundle } from '../../tools/bundle.ts'
import { start, stop } from '../process.ts'
import { envoyManager, socket, typed } from './envoy.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer.ts'

const clientName = 'spiffe://bench/ns/bench/sa/client'
const serverName = 'spiffe://bench/ns/bench/sa/server'

interface Credentials {
  /** Files of PEM. */
  trustedCa: string
  client: TlsCertificate
  server: TlsCertificate
}

function writeCredentials(folder: string): Credentials {
  const authority = testAuthority()
  const trustedCa = join(folder, 'ca.pem')
  writeFileSync(trustedCa, authority.pem)
  const write = (role: string, name: string): TlsCertificate => {
    const { chain, key } = authority.issue([name])
    const paths = { chain: join(folder, `${role}.pem`), key: join(folder, `${role}-key.pem`) }
    writeFileSync(paths.chain, chain)
    writeFileSync(paths.key, key, { mode: 0o600 })
    return { chain: { type: 'file', path: paths.chain }, privateKey: { type: 'file', path: paths.key } }
  }
  return { trustedCa, client: write('client', clientName), server: write('server', serverName) }
}

// Ours.

export function forwardAll(name: string, cluster: string, isRouted: boolean): Listener['target'] {
  const headers = isRouted ? [{ name: 'x-user', type: 'exact' as const, value: 'bench', isInverted: false }] : []
  const route = {
    name,
    match: { path: { type: 'prefix' as const, value: isRouted ? '/api/' : '/' }, headers, query: [] },
    action: {
      type: 'forward' as const,
      backends: [{ type: 'cluster' as const, cluster, weight: 1 }],
      timeoutMs: 0,
      mirrors: [],
    },
  }
  const configuration = { name, virtualHosts: [{ name, domains: ['*'], routes: [route] }] }
  return { type: 'routes', routes: { type: 'inline', configuration } }
}

export function clusterTo(name: string, port: number, more: Partial<Cluster> = {}): Cluster {
  const endpoint = { address: '127.0.0.1', port, health: 'healthy', weight: 1, isMeshed: true } as const
  return {
    name,
    discovery: { type: 'static', endpoints: [endpoint] },
    loadBalancing: 'round-robin',
    connectTimeoutMs: 1000,
    protocol: 'http1',
    ...more,
  }
}

export interface Sidecar {
  role: 'client' | 'server'
  listener: Listener
  cluster: Cluster
}

export async function startSidecar(
  { role, listener, cluster }: Sidecar,
  { folder, profile }: PeerOptions,
): Promise<RunningPeer> {
  const ads = new AdsServer({ clock: systemClock, log: new Log({ component: 'bench', level: 'error' }) })
  ads.publish(fixedSnapshot({ listener: [listener], cluster: [cluster] }))
  const xds = await ads.listen({ host: '127.0.0.1', port: 0 })
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const { path } = await bundle({ program: 'proxy', outdir: join(root, 'dist') })
  const own = join(folder, role)
  mkdirSync(own)
  const flags = {
    'node-id': `${role}.bench`,
    cluster: role,
    namespace: 'bench',
    control: `127.0.0.1:${xds.port}`,
    admin: '127.0.0.1:0',
    'state-dir': join(own, 'state'),
    'access-log': join(own, 'access.log'),
    'cluster-discovery': 'wildcard',
  }
  const profiling = profile ? ['--cpu-prof', '--cpu-prof-dir=bench/results'] : []
  const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const child = start(process.execPath, [...proxyNodeFlags, ...profiling, path, ...words], {
    env: { ...process.env, ...proxyEnvironment },
  })
  return {
    pids: () => [child.pid!],
    async stop() {
      await stop(child)
      ads.stop()
    },
  }
}

function together(peers: readonly RunningPeer[]): RunningPeer {
  return {
    pids: () => peers.flatMap((peer) => peer.pids()),
    stop: async () => void (await Promise.all(peers.map((peer) => peer.stop()))),
  }
}

async function startWeftPair(options: PeerOptions): Promise<RunningPeer> {
  const { folder, ports, upstream } = options
  const credentials = writeCredentials(folder)
  const trustedCa = { type: 'file', path: credentials.trustedCa } as const
  const between = await freePort()
  const base = { isRedirected: false, isLazy: false }
  const server: Sidecar = {
    role: 'server',
    listener: {
      ...base,
      name: 'inbound',
      direction: 'inbound',
      address: { host: '127.0.0.1', port: between },
      target: forwardAll('inbound', 'application', false),
      tls: {
        certificates: [credentials.server],
        alpn: ['h2', 'http/1.1'],
        clientCertificate: 'required',
        trustedCa,
        subjectNames: [clientName],
      },
    },
    cluster: clusterTo('application', upstream.http1),
  }
  const client: Sidecar = {
    role: 'client',
    listener: {
      ...base,
      name: 'outbound',
      direction: 'outbound',
      address: { host: '127.0.0.1', port: ports.pair },
      target: forwardAll('outbound', 'server', true),
    },
    cluster: clusterTo('server', between, {
      protocol: 'http2',
      tls: { serverName: '', alpn: ['h2'], certificate: credentials.client, trustedCa, subjectNames: [serverName] },
    }),
  }
  return together([await startSidecar(server, options), await startSidecar(client, options)])
}

// Envoy.

const file = (filename: string) => ({ filename })

function commonTls(own: TlsCertificate, trustedCa: string, peer: string, alpn: readonly string[]): object {
  const path = (source: TlsCertificate['chain']): string => (source.type === 'file' ? source.path : '')
  return {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificates: [{ certificate_chain: file(path(own.chain)), private_key: file(path(own.privateKey)) }],
    alpn_protocols: alpn,
    validation_context: {
      trusted_ca: file(trustedCa),
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer } }],
    },
  }
}

interface EnvoySidecar {
  folder: string
  listenPort: number
  targetPort: number
  serverTls?: object
  clientTls?: object
  version: 'http_protocol_options' | 'http2_protocol_options'
}

function startEnvoySidecar(options: EnvoySidecar): Promise<RunningPeer & { pid: number }> {
  const { folder, listenPort, targetPort, serverTls, clientTls, version } = options
  mkdirSync(folder)
  const tls = (type: string, context: object | undefined) =>
    context
      ? {
          transport_socket: {
            name: 'tls',
            typed_config: typed(`envoy.extensions.transport_sockets.tls.v3.${type}`, context),
          },
        }
      : {}
  const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
  return startEnvoy({
    static_resources: {
      listeners: [
        {
          name: 'in',
          address: socket(listenPort),
          filter_chains: [{ filters: [envoyManager('out', folder)], ...tls('DownstreamTlsContext', serverTls) }],
        },
      ],
      clusters: [
        {
          name: 'out',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: {
            [protocolOptions]: typed(protocolOptions, { explicit_http_config: { [version]: {} } }),
          },
          ...tls('UpstreamTlsContext', clientTls),
          load_assignment: {
            cluster_name: 'out',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(targetPort) } }] }],
          },
        },
      ],
    },
  }).then((envoy) => ({ ...envoy, pids: () => [envoy.pid] }))
}

async function startEnvoyPair({ folder, ports, upstream }: PeerOptions, alpn: 'h2' | 'http/1.1'): Promise<RunningPeer> {
  const { client, server, trustedCa } = writeCredentials(folder)
  const between = await freePort()
  const behind = await startEnvoySidecar({
    folder: join(folder, 'server'),
    listenPort: between,
    targetPort: upstream.http1,
    version: 'http_protocol_options',
    serverTls: {
      require_client_certificate: true,
      common_tls_context: commonTls(server, trustedCa, clientName, ['h2', 'http/1.1']),
    },
  })
  const before = await startEnvoySidecar({
    folder: join(folder, 'client'),
    listenPort: ports.pair,
    targetPort: between,
    version: alpn === 'h2' ? 'http2_protocol_options' : 'http_protocol_options',
    clientTls: { common_tls_context: commonTls(client, trustedCa, serverName, [alpn]) },
  })
  return together([behind, before])
}

export const weftPair: Peer = { kinds: ['pair'], start: startWeftPair }
export const envoyPairHttp2: Peer = { kinds: ['pair'], start: (options) => startEnvoyPair(options, 'h2') }
export const envoyPairHttp1: Peer = { kinds: ['pair'], start: (options) => startEnvoyPair(options, 'http/1.1') }
