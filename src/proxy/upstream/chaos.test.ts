/** Endpoints whose connections are cut at random: whatever happens to a request, it happens once, and nothing is left behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { until } from '#/proxy/testing/engine.ts'
import { startHttp2Application } from '#/proxy/testing/http2-peer.ts'
import { application, reviews, startOutbound } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { seededRandom } from '#/std/random.ts'

const requestCount = 400
const workers = 16
const authority = testAuthority()

for (const kind of ['http1', 'http2', 'http2 over TLS']) {
  const seed = 7
  test(`${kind}: connections cut at random leave no request without an end and no slot taken (seed ${seed})`, async (t) => {
    const random = seededRandom(seed)
    const isHttp1 = kind === 'http1'
    const isTls = kind.endsWith('TLS')
    const certificate = authority.issue(['reviews.shop'])
    const cuts: (() => void)[] = []
    const start = async (): Promise<number> => {
      if (isHttp1) {
        const one = await application(t, 'a', (_request, response) => {
          setTimeout(() => response.end('x'.repeat(2000)), random() * 4)
        })
        cuts.push(() => [...one.sockets][0]?.destroy())
        return one.port
      }
      const one = await startHttp2Application(t, {
        ...(isTls ? { certificate } : {}),
        answer: (stream) => {
          setTimeout(() => {
            if (stream.destroyed) return
            stream.respond({ ':status': 200 })
            stream.end('x'.repeat(2000))
          }, random() * 4)
        },
      })
      cuts.push(() => {
        const session = [...one.sessions][0]
        if (random() < 0.5) session?.close()
        else session?.destroy()
      })
      return one.port
    }
    const ports = [await start(), await start(), await start()]
    const tls = {
      serverName: 'reviews.shop',
      alpn: ['h2'],
      trustedCa: { type: 'inline', pem: authority.pem },
    } as const
    const cluster = { protocol: isHttp1 ? 'http1' : 'http2', ...(isTls ? { tls } : {}) } as const
    const settings = { poolIdleMs: 300, multiplexedIdleMs: 300 }
    const { proxy, events, engine } = await startOutbound(t, { ports, cluster, settings })
    const cutting = setInterval(() => cuts[Math.floor(random() * cuts.length)]!(), 3)
    t.after(() => clearInterval(cutting))
    const statuses = new Map<number, number>()
    let left = requestCount
    const work = async (): Promise<void> => {
      while (left-- > 0) {
        const isPost = random() < 0.3
        // An answer that is cut in the middle ends the client's connection: that is an end, too.
        const status = await call(proxy, isPost ? { method: 'POST', body: 'b'.repeat(1000) } : {}).then(
          (reply) => reply.status,
          () => 0,
        )
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: workers }, work))
    clearInterval(cutting)
    await until(() => events.records.length === requestCount, 'every record')
    const seen = JSON.stringify([...statuses])
    assert.ok((statuses.get(200) ?? 0) > requestCount * 0.6, seen)
    for (const status of statuses.keys()) assert.ok([0, 200, 502, 503].includes(status), seen)
    const upstream = engine.table.clusters.entries.get(reviews)!.upstream!
    assert.ok(upstream.slots.every(({ active }) => active === 0))
    assert.ok(upstream.slots.every(({ attachment }) => attachment!.waiting === 0))
    await until(() => events.upstreamConnections === 0, 'the end of idle connections')
    assert.ok(upstream.slots.every(({ attachment }) => attachment!.open === 0))
    assert.equal((await call(proxy, {})).status, 200)
  })
}
