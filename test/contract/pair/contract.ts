/** Every protocol of a client with every protocol of an application: the same behaviours for all sixteen pairs. */
import { after, before, describe, test } from 'node:test'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { ServerTls } from '#/model/tls.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { until } from '#/proxy/testing/engine.ts'
import { edsCluster, endpoint, forwardTo, outboundListener, route } from '#/proxy/testing/resources.ts'
import { type PairBackend, startPairBackend } from './backend.ts'
import { pairBehaviours } from './behaviour.ts'
import { type PairClient, pairClient } from './client.ts'
import { isHttp2, isTls, type Protocol, protocols } from './protocol.ts'

export interface PairProxy {
  /** Where each listener takes connections, by its name. */
  ports: Readonly<Record<'plain' | 'secure', number>>
  stop(): Promise<void>
}

export interface PairProxyKind {
  name: string
  /** Starts one with these clusters and these two listeners, whose address is to be chosen. */
  start(clusters: readonly Cluster[], listeners: readonly Listener[]): Promise<PairProxy>
  /** Where another proxy differs by right: the reason, by pair and name of the behaviour. Told in the title, and not run. */
  differs?: (from: Protocol, to: Protocol, behaviour: string) => string | undefined
}

const authority = testAuthority()
const trustedCa = { type: 'inline', pem: authority.pem } as const
const certificate = authority.issue(['*.pair.shop'])
const hostOf = (to: Protocol): string => `${to}.pair.shop`

function clusterOf(to: Protocol, port: number): Cluster {
  const tls = { serverName: hostOf(to), alpn: [isHttp2(to) ? 'h2' : 'http/1.1'], trustedCa, subjectNames: [hostOf(to)] }
  return edsCluster(to, {
    discovery: { type: 'static', endpoints: [endpoint(port)] },
    protocol: isHttp2(to) ? 'http2' : 'http1',
    ...(isTls(to) ? { tls } : {}),
  })
}

function listenerWith(name: string, tls?: ServerTls): Listener {
  const virtualHosts = protocols.map((to) => ({ name: to, domains: [hostOf(to)], routes: [route(forwardTo(to))] }))
  const configuration = { name, virtualHosts }
  const target = { type: 'routes', routes: { type: 'inline', configuration } } as const
  return outboundListener({ name, target, ...(tls ? { tls } : {}) })
}

const serverTls: ServerTls = {
  certificates: [certificate.model],
  alpn: ['h2', 'http/1.1'],
  clientCertificate: 'none',
}

export function pairContract(kind: PairProxyKind): void {
  describe(`every pair of protocols: ${kind.name}`, () => {
    const backends = new Map<Protocol, PairBackend>()
    let proxy: PairProxy | undefined

    before(async () => {
      for (const protocol of protocols) backends.set(protocol, await startPairBackend(protocol, certificate))
      const clusters = protocols.map((protocol) => clusterOf(protocol, backends.get(protocol)!.port))
      proxy = await kind.start(clusters, [listenerWith('plain'), listenerWith('secure', serverTls)])
    })

    after(async () => {
      await proxy?.stop()
      for (const backend of backends.values()) await backend.stop()
    })

    for (const from of protocols) {
      for (const to of protocols) {
        describe(`from ${from} to ${to}`, () => {
          let client: PairClient
          before(() => {
            const port = proxy!.ports[isTls(from) ? 'secure' : 'plain']
            client = pairClient({ protocol: from, port, host: hostOf(to), ca: authority.pem })
          })
          after(() => client.close())
          for (const { name, run } of pairBehaviours) {
            const reason = kind.differs?.(from, to, name)
            if (reason === undefined) {
              test(name, { timeout: 8000 }, () => run({ client, backend: backends.get(to)!, from, to, until }))
            }
          }
        })
      }
    }
  })
}
