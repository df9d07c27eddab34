/** Going away costs no request, whatever the client speaks. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { ServerTls } from '#/model/tls.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { startEngine, until } from '#/proxy/testing/engine.ts'
import { startHttp2Application } from '#/proxy/testing/http2-peer.ts'
import { edsCluster, endpoint, inboundListener } from '#/proxy/testing/resources.ts'

const authority = testAuthority()
const issued = authority.issue(['reviews.shop', 'spiffe://mesh/ns/shop/sa/reviews'])
const tls: ServerTls = { certificates: [issued.model], alpn: ['h2', 'http/1.1'], clientCertificate: 'none' }

for (const name of ['h2c', 'TLS']) {
  test(`${name}: GOAWAY comes in two steps, new requests find another way, a long stream goes on to its end`, async (t) => {
    const isTls = name === 'TLS'
    let finish = (): void => undefined
    const application = await startHttp2Application(t, {
      onHead: (stream, headers) => {
        if (headers[':path'] !== '/long') return false
        stream.respond({ ':status': 200 })
        stream.write('begin ')
        finish = () => void stream.end('end')
        return true
      },
    })
    const { engine, source, events, close, address } = startEngine({ drainDelayMs: 50, drainMs: 5000 })
    t.after(close)
    source.set('listener', { ...inboundListener(application.port), ...(isTls ? { tls } : {}) })
    const discovery = { type: 'static' as const, endpoints: [endpoint(application.port)] }
    source.set('cluster', edsCluster(`inbound:${application.port}`, { discovery, protocol: 'http2' }))
    await until(() => engine.isReady, 'readiness')
    const { host, port } = address(`inbound:${application.port}`)
    const session = http2.connect(`${isTls ? 'https' : 'http'}://${host}:${port}`, {
      ca: authority.pem,
      servername: 'reviews.shop',
    })
    const goaways: number[] = []
    session.on('goaway', (code) => goaways.push(code))
    t.after(() => session.destroy())
    const ask = async (path: string): Promise<string> => {
      const stream = session.request({ ':path': path, ':authority': 'reviews.shop' })
      let body = ''
      for await (const chunk of stream) body += chunk
      return body
    }
    const long = ask('/long')
    await until(() => application.seen.length === 1, 'the long request')
    // Requests go on until the session says that it takes no more.
    let answered = 0
    const busy = (async () => {
      while (!session.closed && !session.destroyed) {
        // A request that met the GOAWAY on the client's side was never sent.
        const isAnswered = await ask('/short').then(
          () => true,
          (error: Error) => !error.message.includes('REFUSED_STREAM') && Promise.reject(error),
        )
        if (!isAnswered) return
        answered++
        await pause(2)
      }
    })()
    await until(() => answered > 3, 'short requests')
    const drained = engine.drain.start()
    await busy
    await until(() => goaways.length === 2, 'the second GOAWAY')
    assert.equal(engine.drain.state, 'closing')
    finish()
    assert.equal(await long, 'begin end')
    await drained
    await until(() => session.destroyed, 'the end of the session')
    assert.ok(events.records.every(({ status, code }) => status === 200 && code === ''))
    assert.equal(events.records.length, answered + 1)
  })
}

test('a host that the certificate does not speak for is misdirected, on the same connection others are not', async (t) => {
  const application = await startHttp2Application(t)
  const { engine, source, close, address, events } = startEngine()
  t.after(close)
  source.set('listener', { ...inboundListener(application.port), tls })
  const discovery = { type: 'static' as const, endpoints: [endpoint(application.port)] }
  source.set('cluster', edsCluster(`inbound:${application.port}`, { discovery, protocol: 'http2' }))
  await until(() => engine.isReady, 'readiness')
  const { host, port } = address(`inbound:${application.port}`)
  const session = http2.connect(`https://${host}:${port}`, { ca: authority.pem, servername: 'reviews.shop' })
  t.after(() => session.destroy())
  const statusFor = async (authority: string): Promise<number> => {
    const stream = session.request({ ':path': '/', ':authority': authority })
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpStatusHeader]
    stream.resume()
    return headers[':status']!
  }
  assert.deepEqual(
    [await statusFor('reviews.shop'), await statusFor('ratings.shop'), await statusFor('Reviews.shop:443')],
    [200, 421, 200],
  )
  await until(() => events.records.length === 3, 'the records')
  assert.equal(events.records[1]!.code, 'misdirected')
  assert.equal(application.headers[0]!['x-forwarded-proto'], 'https')
})

test('a listener takes new certificates without a gap, and keeps the old ones when the new are of no use', async (t) => {
  const application = await startHttp2Application(t)
  const { engine, source, close, address, log } = startEngine()
  t.after(close)
  const discovery = { type: 'static' as const, endpoints: [endpoint(application.port)] }
  source.set('cluster', edsCluster(`inbound:${application.port}`, { discovery, protocol: 'http2' }))
  const listener = inboundListener(application.port)
  source.set('listener', { ...listener, tls })
  await until(() => engine.isReady, 'readiness')
  const { host, port } = address(listener.name)
  const nameSeen = async (): Promise<string> => {
    const socket = connectTls({ host, port, ca: authority.pem, checkServerIdentity: () => undefined })
    await once(socket, 'secureConnect')
    const name = socket.getPeerX509Certificate()?.subjectAltName ?? ''
    socket.destroy()
    return name
  }
  const session = http2.connect(`https://${host}:${port}`, { ca: authority.pem, servername: 'reviews.shop' })
  t.after(() => session.destroy())
  await once(session, 'connect')
  assert.match(await nameSeen(), /^DNS:reviews.shop/)
  source.set('listener', { ...listener, tls: { ...tls, certificates: [authority.issue(['new.shop']).model] } })
  await untilAsync(async () => (await nameSeen()) === 'DNS:new.shop', 'the new certificate')
  const broken = { ...issued.model, privateKey: { type: 'inline', pem: 'none' } } as const
  source.set('listener', { ...listener, tls: { ...tls, certificates: [broken] } })
  await until(() => log.some((line) => line.includes('the one before stays')), 'the complaint')
  assert.equal(await nameSeen(), 'DNS:new.shop')
  // The connection of before was not touched.
  const stream = session.request({ ':path': '/', ':authority': 'reviews.shop' })
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpStatusHeader]
  assert.equal(headers[':status'], 200)
  stream.resume()
})

/** Every try must succeed; what it says may take a moment to become true. */
async function untilAsync(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await isTrue()); tries++) {
    if (tries > 300) throw new Error(`still waiting for ${what}`)
    await pause(5)
  }
}
