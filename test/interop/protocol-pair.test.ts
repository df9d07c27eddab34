/** The sixteen pairs of protocols once more, told over xDS: for Envoy, and for our proxy as a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import { systemClock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { AdsServer } from '#/xds/serve/ads-server.ts'
import { fixedSnapshot } from '#/xds/testing/fixed-snapshot.ts'
import { type PairProxy, pairContract } from '../contract/pair/contract.ts'
import { isHttp2, type Protocol } from '../contract/pair/protocol.ts'
import { eventually, freePort } from '../contract/suite.ts'
import { startWeftProxy } from '../contract/weft-proxy.ts'
import { adsBootstrap, type EnvoyProcess, startEnvoy } from './envoy.ts'

interface Stoppable {
  stop(): Promise<void>
}

/** Serves the resources to whatever `run` starts, and waits until it listens. */
async function underAds(
  clusters: readonly Cluster[],
  listeners: readonly Listener[],
  run: (xds: HostPort) => Promise<Stoppable>,
): Promise<PairProxy> {
  const ports = { plain: await freePort(), secure: await freePort() }
  const bound = listeners.map((listener) => {
    const port = ports[listener.name as keyof typeof ports]
    return { ...listener, address: { host: '127.0.0.1', port } }
  })
  const server = new AdsServer({ clock: systemClock, log: new Log({ component: 'test', level: 'error' }) })
  server.publish(fixedSnapshot({ cluster: [...clusters], listener: bound }))
  const proxy = await run(await server.listen({ host: '127.0.0.1', port: 0 }))
  for (const port of Object.values(ports)) await eventually(() => accepts(port), 10_000)
  return {
    ports,
    async stop() {
      await proxy.stop()
      server.stop()
    },
  }
}

async function accepts(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.destroy()
}

/** What Envoy does otherwise, with its reason; everything else it does as we do. */
function envoyDiffers(from: Protocol, to: Protocol, behaviour: string): string | undefined {
  if (behaviour.startsWith('early hints')) return 'it passes no 1xx but 100 (its codecs drop 103)'
  if (behaviour.startsWith('WebSocket') && isHttp2(from) && !isHttp2(to))
    return 'out of HTTP/2 into HTTP/1.1 it passes bytes on, but no end of one direction alone'
  return undefined
}

pairContract({
  name: 'envoy',
  differs: envoyDiffers,
  start: (clusters, listeners) =>
    underAds(clusters, listeners, async (xds): Promise<EnvoyProcess> => {
      return startEnvoy(adsBootstrap({ nodeId: 'pair.bench', cluster: 'pair', xds }))
    }),
})

pairContract({
  name: 'weft, over xDS',
  start: (clusters, listeners) =>
    underAds(clusters, listeners, async (xds) => {
      const folder = mkdtempSync(join(tmpdir(), 'weft-pair-'))
      const proxy = await startWeftProxy({
        nodeId: 'pair.bench',
        namespace: 'bench',
        workload: 'pair',
        xds,
        folder,
        flags: ['--cluster-discovery', 'wildcard'],
      })
      return {
        async stop() {
          await proxy.stop()
          rmSync(folder, { recursive: true, force: true })
        },
      }
    }),
})
