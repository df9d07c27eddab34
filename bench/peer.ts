/** The proxies that are compared, each set up to do the same work: route by prefix and header, metrics, access log, request id. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { proxyEnvironment, proxyNodeFlags } from '#/config/proxy-launch.ts'
import { startControlPlane } from '#/control/control-plane.ts'
import { Log } from '#/std/log.ts'
import { installEnvoy, startEnvoy } from '../test/interop/envoy.ts'
import { bundle } from '../tools/bundle.ts'
import { family, start, stop } from './process.ts'

export interface PeerOptions {
  /** Of the backend. */
  upstream: number
  /** To listen on. */
  port: number
  folder: string
  profile: boolean
}

export interface RunningPeer {
  pids(): number[]
  stop(): Promise<void>
}

export type Peer = (options: PeerOptions) => Promise<RunningPeer>

/** The host that every request names. */
export const benchHost = 'echo.bench'

const haproxy: Peer = async ({ upstream, port, folder }) => {
  const config = join(folder, 'haproxy.cfg')
  writeFileSync(
    config,
    `global
  nbthread 1
  log ${join(folder, 'haproxy.sock')} local0
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  option httplog
  log global
  unique-id-format %{+X}o%ci:%cp_%Ts_%rt
  unique-id-header x-request-id
frontend in
  bind 127.0.0.1:${port}
  option forwardfor
  acl prefix path_beg /api/
  acl user req.hdr(x-user) bench
  use_backend out if prefix user
backend out
  server one 127.0.0.1:${upstream}
`,
  )
  const child = start('haproxy', ['-db', '-f', config])
  return { pids: () => family(child.pid!), stop: () => stop(child) }
}

const nginx: Peer = async ({ upstream, port, folder }) => {
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${join(folder, 'nginx.pid')}; error_log ${join(folder, 'nginx-error.log')};
events { worker_connections 4096; }
http {
  log_format j escape=json '{"time":"$time_iso8601","method":"$request_method","path":"$request_uri","status":$status,"bytes":$body_bytes_sent,"duration":$request_time,"id":"$request_id","upstream":"$upstream_addr"}';
  access_log ${join(folder, 'nginx-access.log')} j buffer=64k flush=1s;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 100000000;
  upstream out { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port}; location /api/ { if ($http_x_user != bench) { return 404; } proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }
}
`,
  )
  const child = start('nginx', ['-c', config, '-p', folder])
  return { pids: () => family(child.pid!), stop: () => stop(child) }
}

const envoy: Peer = async ({ upstream, port, folder }) => {
  const typed = (type: string, value: object = {}) => ({ '@type': `type.googleapis.com/${type}`, ...value })
  const log = {
    name: 'file',
    typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
      path: join(folder, 'envoy-access.log'),
      log_format: {
        json_format: {
          start_time: '%START_TIME%',
          method: '%REQ(:METHOD)%',
          path: '%REQ(:PATH)%',
          status: '%RESPONSE_CODE%',
          flags: '%RESPONSE_FLAGS%',
          sent: '%BYTES_SENT%',
          received: '%BYTES_RECEIVED%',
          duration: '%DURATION%',
          id: '%REQ(X-REQUEST-ID)%',
          authority: '%REQ(:AUTHORITY)%',
          upstream: '%UPSTREAM_HOST%',
          agent: '%REQ(USER-AGENT)%',
        },
      },
    }),
  }
  const manager = typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'in',
    access_log: [log],
    http_filters: [{ name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') }],
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: [benchHost],
          routes: [
            {
              match: { prefix: '/api/', headers: [{ name: 'x-user', string_match: { exact: 'bench' } }] },
              route: { cluster: 'out', timeout: '0s' },
            },
          ],
        },
      ],
    },
  })
  const socket = (port_value: number) => ({ socket_address: { address: '127.0.0.1', port_value } })
  const running = await startEnvoy({
    static_resources: {
      listeners: [
        { name: 'in', address: socket(port), filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }] },
      ],
      clusters: [
        {
          name: 'out',
          type: 'STATIC',
          connect_timeout: '1s',
          load_assignment: {
            cluster_name: 'out',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(upstream) } }] }],
          },
        },
      ],
    },
  })
  return { pids: () => [running.pid], stop: () => running.stop() }
}

export const meshYaml = (upstream: number, port: number): string => `
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: bench }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo, namespace: bench, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
ports: [{ name: http, port: ${upstream} }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: echo, namespace: bench }
spec:
  parentRefs: [{ group: '', kind: Service, name: echo, port: 80 }]
  rules:
    - matches: [{ path: { value: /api }, headers: [{ name: x-user, value: bench }] }]
      backendRefs: [{ name: echo, port: 80 }]
---
apiVersion: v1
kind: Pod
metadata:
  name: client
  namespace: bench
  annotations: { weft.dev/ports: '[]', weft.dev/explicit: '{}', weft.dev/outbound: '127.0.0.1:${port}' }
spec: { containers: [{ name: app }] }
status: { podIP: 127.0.0.1, conditions: [{ type: Ready, status: 'True' }] }
`

/** As `weft up` starts it; other flags for experiments. */
const proxyFlags = process.env.WEFT_PROXY_FLAGS?.split(' ') ?? proxyNodeFlags

const weft: Peer = async ({ upstream, port, folder, profile }) => {
  const mesh = join(folder, 'mesh')
  mkdirSync(mesh)
  writeFileSync(join(mesh, 'mesh.yaml'), meshYaml(upstream, port))
  const freeAddress = { host: '127.0.0.1', port: 0 }
  const control = await startControlPlane({
    directories: [mesh],
    xds: freeAddress,
    api: freeAddress,
    log: new Log({ component: 'control', level: 'error' }),
  })
  const { path } = await bundle({
    program: 'proxy',
    outdir: join(fileURLToPath(new URL('..', import.meta.url)), 'dist'),
  })
  const flags = profile ? [...proxyFlags, '--cpu-prof', '--cpu-prof-dir=bench/results'] : proxyFlags
  const words = [
    ...flags,
    path,
    '--node-id',
    'client.bench',
    '--cluster',
    'client',
    '--namespace',
    'bench',
    '--control',
    `127.0.0.1:${control.xds.port}`,
    '--admin',
    '127.0.0.1:0',
    '--state-dir',
    join(folder, 'state'),
    '--access-log',
    join(folder, 'weft-access.log'),
  ]
  const child = start(process.execPath, words, { env: { ...process.env, ...proxyEnvironment } })
  return {
    pids: () => [child.pid!],
    async stop() {
      await stop(child)
      await control.stop()
    },
  }
}

export const peers: Record<string, Peer> = { weft, envoy, haproxy, nginx }

export { installEnvoy }
