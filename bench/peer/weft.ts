/** Ours: a real control plane, and the sidecar process with the flags that it is shipped with. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { proxyEnvironment, proxyNodeFlags } from '#/config/proxy-launch.ts'
import { startControlPlane } from '#/control/control-plane.ts'
import { Log } from '#/std/log.ts'
import { bundle } from '../../tools/bundle.ts'
import type { Ports } from '../case.ts'
import { start, stop } from '../process.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer.ts'

/** A Service with its one endpoint, and a route where requests come. */
function service(
  name: string,
  options: { port: number; protocol: string; endpoint: number; hasRoute: boolean },
): string {
  const { port, protocol, endpoint, hasRoute } = options
  const route = `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: bench }
spec:
  parentRefs: [{ group: '', kind: Service, name: ${name}, port: ${port} }]
  rules:
    - matches: [{ path: { value: /api }, headers: [{ name: x-user, value: bench }] }]
      backendRefs: [{ name: ${name}, port: ${port} }]
`
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: bench }
spec: { ports: [{ name: main, port: ${port}, appProtocol: ${protocol} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: bench, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
ports: [{ name: main, port: ${endpoint} }]
${hasRoute ? route : ''}`
}

/** One sidecar that takes calls at the three ports. */
export function meshYaml(upstream: PeerOptions['upstream'], ports: Ports): string {
  const explicit = {
    'echo2.bench.svc.cluster.local:81': `127.0.0.1:${ports.http2}`,
    'source.bench.svc.cluster.local:82': `127.0.0.1:${ports.tcp}`,
  }
  return `${service('echo', { port: 80, protocol: 'http', endpoint: upstream.http1, hasRoute: true })}
${service('echo2', { port: 81, protocol: 'kubernetes.io/h2c', endpoint: upstream.http2, hasRoute: true })}
${service('source', { port: 82, protocol: 'tcp', endpoint: upstream.tcp, hasRoute: false })}
---
apiVersion: v1
kind: Pod
metadata:
  name: client
  namespace: bench
  annotations:
    weft.dev/ports: '[]'
    weft.dev/explicit: '${JSON.stringify(explicit)}'
    weft.dev/outbound: '127.0.0.1:${ports.http1}'
spec: { containers: [{ name: app }] }
status: { podIP: 127.0.0.1, conditions: [{ type: Ready, status: 'True' }] }
`
}

/** As `weft up` starts it; other flags for experiments. */
const proxyFlags = process.env.WEFT_PROXY_FLAGS?.split(' ') ?? proxyNodeFlags

async function startWeft({ upstream, ports, folder, profile }: PeerOptions): Promise<RunningPeer> {
  const mesh = join(folder, 'mesh')
  mkdirSync(mesh)
  writeFileSync(join(mesh, 'mesh.yaml'), meshYaml(upstream, ports))
  const freeAddress = { host: '127.0.0.1', port: 0 }
  const control = await startControlPlane({
    directories: [mesh],
    xds: freeAddress,
    api: freeAddress,
    log: new Log({ component: 'control', level: 'error' }),
  })
  const { path } = await bundle({
    program: 'proxy',
    outdir: join(fileURLToPath(new URL('../..', import.meta.url)), 'dist'),
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

export const weft: Peer = { kinds: ['http1', 'http2', 'tcp'], start: startWeft }
