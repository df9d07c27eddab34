import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import type { ClientTls, ServerTls } from '#/model/tls.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { until } from '#/proxy/testing/engine.ts'
import { echo, openMeeting } from './testing/meeting.ts'
import type { SessionTickets } from './tls-exit.ts'

const authority = testAuthority()
const stranger = testAuthority('a stranger')
const trustedCa = { type: 'inline', pem: authority.pem } as const
const reviews = authority.issue(['reviews.shop', '*.reviews.shop', 'spiffe://mesh/ns/shop/sa/reviews'])

function serverTls(more: Partial<ServerTls> = {}): ServerTls {
  return { certificates: [reviews.model], alpn: ['h2', 'http/1.1'], clientCertificate: 'none', ...more }
}

function clientTls(more: Partial<ClientTls> = {}): ClientTls {
  return { serverName: 'reviews.shop', alpn: ['h2', 'http/1.1'], trustedCa, ...more }
}

test('both sides agree on a protocol by ALPN, on TLS 1.3 and on a group that a quantum computer does not break', async (t) => {
  const meeting = await openMeeting(t, serverTls())
  const { socket, protocol } = await meeting.meet(meeting.exit(clientTls()))
  assert.equal(protocol, 'h2')
  assert.equal((socket as TLSSocket).getProtocol(), 'TLSv1.3')
  assert.equal((socket as TLSSocket).getCipher().name, 'TLS_AES_128_GCM_SHA256')
  assert.equal(await echo(socket!, 'hello'), 'hello')
  assert.equal(meeting.entered[0]!.peer.protocol, 'h2')
  const { protocol: older } = await meeting.meet(meeting.exit(clientTls({ alpn: ['http/1.1'] })))
  assert.equal(older, 'http/1.1')
  const { protocol: none } = await meeting.meet(meeting.exit(clientTls({ alpn: [] })))
  assert.equal(none, '')
})

test('takes the hybrid group alone and TLS 1.2 with an older one; TLS 1.1 and ciphers that HTTP/2 forbids are refused', async (t) => {
  const meeting = await openMeeting(t, serverTls())
  const attempt = (options: object): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ port: meeting.port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
      socket.once('secureConnect', () => resolve(socket.getProtocol() ?? ''))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
      t.after(() => socket.destroy())
    })
  assert.equal(await attempt({ ecdhCurve: 'X25519MLKEM768', minVersion: 'TLSv1.3' }), 'TLSv1.3')
  assert.equal(await attempt({ ecdhCurve: 'X25519:prime256v1', maxVersion: 'TLSv1.2' }), 'TLSv1.2')
  assert.match(await attempt({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }), /^ERR_SSL/)
  assert.match(await attempt({ ciphers: 'ECDHE-ECDSA-AES128-SHA256', maxVersion: 'TLSv1.2' }), /HANDSHAKE_FAILURE/)
  await until(() => meeting.refused.length === 2, 'the refusals')
})

test('the certificate follows SNI, with wildcards for one label; the first serves all others', async (t) => {
  const ratings = authority.issue(['ratings.shop'])
  const meeting = await openMeeting(t, serverTls({ certificates: [reviews.model, ratings.model] }))
  const seen = async (serverName: string): Promise<string> => {
    const { socket } = await meeting.meet(meeting.exit(clientTls({ serverName })))
    return (socket as TLSSocket).getPeerX509Certificate()!.subjectAltName!.split(',')[0]!
  }
  assert.equal(await seen('ratings.shop'), 'DNS:ratings.shop')
  assert.equal(await seen('v1.reviews.shop'), 'DNS:reviews.shop')
  assert.equal(await seen('a.ratings.shop'), 'DNS:reviews.shop')
  assert.equal(await seen(''), 'DNS:reviews.shop')
  const { covers } = meeting.entered[0]!.peer
  assert.deepEqual(
    ['ratings.shop', 'RATINGS.shop', 'reviews.shop'].map((host) => covers(host)),
    [true, true, false],
  )
})

test('an endpoint is believed by its chain and by one of its names', async (t) => {
  const meeting = await openMeeting(t, serverTls())
  const outcome = async (more: Partial<ClientTls>): Promise<string> => {
    const { code, detail, protocol } = await meeting.meet(meeting.exit(clientTls(more)))
    return code === undefined ? protocol! : `${code}: ${detail}`
  }
  assert.equal(await outcome({ subjectNames: ['spiffe://mesh/ns/shop/sa/reviews'] }), 'h2')
  assert.equal(await outcome({ subjectNames: ['other', 'V2.reviews.shop'] }), 'h2')
  assert.match(
    await outcome({ subjectNames: ['spiffe://mesh/ns/shop/sa/ratings'] }),
    /^upstream_tls_untrusted: it is for spiffe:\/\/mesh\/ns\/shop\/sa\/reviews, .*not for spiffe.*ratings/,
  )
  assert.match(
    await outcome({ trustedCa: { type: 'inline', pem: stranger.pem } }),
    /^upstream_tls_untrusted: UNABLE_TO/,
  )
  const { trustedCa: _, ...unverified } = clientTls()
  assert.equal((await meeting.meet(meeting.exit(unverified))).protocol, 'h2')
})

test('an expired certificate is named as such', async (t) => {
  const old = authority.issue(['reviews.shop'], { notAfter: new Date(Date.UTC(2021, 0, 1)) })
  const meeting = await openMeeting(t, serverTls({ certificates: [old.model] }))
  const { code, detail } = await meeting.meet(meeting.exit(clientTls()))
  assert.equal(`${code} ${detail?.split(':')[0]}`, 'upstream_tls_untrusted CERT_HAS_EXPIRED')
})

test('clients are let in by their certificates as asked: none, optional, required, and by name', async (t) => {
  const web = authority.issue(['spiffe://mesh/ns/shop/sa/web'])
  const other = stranger.issue(['spiffe://mesh/ns/shop/sa/web'])
  const outcome = async (tls: Partial<ServerTls>, certificate?: typeof web): Promise<string> => {
    const meeting = await openMeeting(t, serverTls({ trustedCa, ...tls }))
    const { socket } = await meeting.meet(
      meeting.exit(clientTls(certificate ? { certificate: certificate.model } : {})),
    )
    if (socket) await echo(socket, 'x')
    await until(() => meeting.entered.length + meeting.refused.length > 0, 'the decision')
    return meeting.refused[0] ?? `in ${meeting.entered[0]!.peer.clientNames.join(' ')}`
  }
  assert.equal(await outcome({ clientCertificate: 'optional' }), 'in ')
  assert.equal(await outcome({ clientCertificate: 'optional' }, web), 'in spiffe://mesh/ns/shop/sa/web')
  assert.match(await outcome({ clientCertificate: 'optional' }, other), /not trusted/)
  assert.match(await outcome({ clientCertificate: 'required' }), /sent no certificate/)
  assert.equal(await outcome({ clientCertificate: 'required' }, web), 'in spiffe://mesh/ns/shop/sa/web')
  const subjectNames = ['spiffe://mesh/ns/shop/sa/cart']
  assert.match(await outcome({ clientCertificate: 'required', subjectNames }, web), /is for spiffe:.*web/)
})

test('the second handshake with an endpoint resumes the first, with a ticket that serves once', async (t) => {
  const meeting = await openMeeting(t, serverTls({ trustedCa, clientCertificate: 'required' }))
  const exit = meeting.exit(clientTls({ certificate: authority.issue(['spiffe://mesh/ns/shop/sa/web']).model }))
  const tickets: SessionTickets = []
  const first = await meeting.meet(exit, tickets)
  await echo(first.socket!, 'x')
  await until(() => tickets.length > 0, 'a ticket')
  const kept = [...tickets]
  const second = await meeting.meet(exit, tickets)
  assert.equal((first.socket as TLSSocket).isSessionReused(), false)
  assert.equal((second.socket as TLSSocket).isSessionReused(), true)
  assert.equal(tickets.includes(kept.at(-1)!), false)
  await echo(second.socket!, 'x')
  assert.deepEqual(meeting.entered[1]!.peer.clientNames, ['spiffe://mesh/ns/shop/sa/web'])
})

test('changed files are in force for new connections; old ones go on; a broken file changes nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const chain = join(folder, 'tls.crt')
  const key = join(folder, 'tls.key')
  const write = (names: string[]): void => {
    const issued = authority.issue(names)
    writeFileSync(chain, issued.chain)
    writeFileSync(key, issued.key)
  }
  write(['one.shop'])
  const model = { chain: { type: 'file', path: chain }, privateKey: { type: 'file', path: key } } as const
  const meeting = await openMeeting(t, serverTls({ certificates: [model] }))
  const exit = meeting.exit(clientTls())
  const first = await meeting.meet(exit)
  write(['two.shop'])
  await until(() => meeting.log.some((line) => line.includes('read again')), 'the new certificate')
  const second = await meeting.meet(exit)
  assert.equal((second.socket as TLSSocket).getPeerX509Certificate()!.subjectAltName, 'DNS:two.shop')
  assert.equal(await echo(first.socket!, 'still there'), 'still there')
  writeFileSync(key, 'no key')
  await until(() => meeting.log.some((line) => line.includes('can not be used')), 'the warning')
  assert.equal((await meeting.meet(exit)).protocol, 'h2')
})

test('bytes that are no handshake, and a client that leaves in the middle, are told once', async (t) => {
  const meeting = await openMeeting(t, serverTls())
  const plain = connectTcp(meeting.port, '127.0.0.1')
  plain.on('error', () => undefined).resume()
  plain.write('GET / HTTP/1.1\r\nhost: reviews.shop\r\n\r\n')
  await until(() => meeting.refused.length === 1, 'the first refusal')
  assert.match(meeting.refused[0]!, /^ERR_SSL_HTTP_REQUEST/)
  const shy = connectTcp(meeting.port, '127.0.0.1')
  shy.on('error', () => undefined).once('connect', () => shy.resetAndDestroy())
  await until(() => meeting.refused.length === 2, 'the second refusal')
  assert.equal(meeting.entered.length, 0)
})

test('an endpoint that does not speak TLS is told from one that is not trusted', async (t) => {
  const meeting = await openMeeting(t, serverTls({ alpn: ['http/1.1'] }))
  const { code, detail } = await meeting.meet(meeting.exit(clientTls({ alpn: ['h2'] })))
  assert.equal(code, 'upstream_tls_failed')
  assert.match(detail!, /NO_APPLICATION_PROTOCOL|application protocol/i)
})
