/** Every protocol of a client with every protocol of an application: the same behaviours for all sixteen pairs. */
import { after, before, describe, test } from 'node:test'
import type { Cluster } from '#/model/cluster.ts'
import type { ServerTls } from '#/model/tls.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { startEngine, type TestEngine, until } from '#/proxy/testing/engine.ts'
import { edsCluster, endpoint, forwardTo, outboundListener, route } from '#/proxy/testing/resources.ts'
import { type PairBackend, startPairBackend } from './pair/backend.ts'
import { pairBehaviours } from './pair/behaviour.ts'
import { type PairClient, pairClient } from './pair/client.ts'
import { isHttp2, isTls, type Protocol, protocols } from './pair/protocol.ts'

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

function listenerWith(name: string, tls?: ServerTls) {
  const virtualHosts = protocols.map((to) => ({ name: to, domains: [hostOf(to)], routes: [route(forwardTo(to))] }))
  const configuration = { name, virtualHosts }
  const target = { type: 'routes', routes: { type: 'inline', configuration } } as const
  return outboundListener({ name, target, ...(tls ? { tls } : {}) })
}

describe('every pair of protocols', () => {
  const backends = new Map<Protocol, PairBackend>()
  let proxy: TestEngine

  before(async () => {
    proxy = startEngine()
    for (const protocol of protocols) {
      const backend = await startPairBackend(protocol, certificate)
      backends.set(protocol, backend)
      proxy.source.set('cluster', clusterOf(protocol, backend.port))
    }
    const tls: ServerTls = {
      certificates: [certificate.model],
      alpn: ['h2', 'http/1.1'],
      clientCertificate: 'none',
    }
    proxy.source.set('listener', listenerWith('plain'))
    proxy.source.set('listener', listenerWith('secure', tls))
    await until(() => proxy.engine.isReady, 'readiness')
  })

  after(async () => {
    proxy.close()
    for (const backend of backends.values()) await backend.stop()
  })

  for (const from of protocols) {
    for (const to of protocols) {
      describe(`from ${from} to ${to}`, () => {
        let client: PairClient
        before(() => {
          const { port } = proxy.address(isTls(from) ? 'secure' : 'plain')
          client = pairClient({ protocol: from, port, host: hostOf(to), ca: authority.pem })
        })
        after(() => client.close())
        for (const { name, run } of pairBehaviours) {
          test(name, { timeout: 8000 }, () => run({ client, backend: backends.get(to)!, from, to, until }))
        }
      })
    }
  }
})
