/** Mutual TLS beside plain text on one listener, on real sockets. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { newRoot, type SigningAuthority } from '#/identity/ca/signing-authority.ts'
import {
  newIntermediate,
  newKeys,
  newLeaf,
  newWrongLeaf,
  revocationList,
  type WrongLeaf,
} from '#/identity/testing/authority.ts'
import type { MutualTlsMode } from '#/model/mutual-tls.ts'
import { until } from '#/proxy/testing/engine.ts'
import { open, type Running, serve, startStreams } from '#/proxy/testing/stream.ts'
import { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { HostPort } from '#/std/host-port.ts'

const root = newRoot('cluster.local', Date.now())
const stranger = newRoot('cluster.local', Date.now())
const cart = 'spiffe://cluster.local/ns/shop/sa/cart'
const web = 'spiffe://cluster.local/ns/shop/sa/web'

interface Pair {
  cert: string
  key: string
}

function leafOf(id: string, authority: SigningAuthority = root): Pair {
  const { key, chain } = newLeaf(authority, { id })
  return { cert: chain.join(''), key: key.export({ type: 'pkcs8', format: 'pem' }) as string }
}

function newSecrets(): SecretStore {
  const secrets = new SecretStore()
  const { cert, key } = leafOf(cart)
  secrets.set('ROOTCA', { trustedCa: root.root.toString() })
  secrets.set('default', { chain: cert, privateKey: key })
  return secrets
}

const greeting = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'

interface Scene extends Running {
  /** What the application was sent first, by connection. */
  heard: string[]
}

/** An application that answers whatever it hears as HTTP. */
async function start(
  t: TestContext,
  {
    mode,
    protocol = 'auto',
    secrets = newSecrets(),
  }: { mode: MutualTlsMode; protocol?: 'auto' | 'http' | 'tcp'; secrets?: SecretStore },
): Promise<Scene> {
  const heard: string[] = []
  const port = await serve(t, (socket) => {
    socket.on('end', () => socket.end())
    socket.on('data', (chunk) => {
      heard.push(chunk.toString('latin1'))
      socket.write(greeting)
    })
  })
  const listener =
    protocol === 'http' ? { protocol, mutualTls: { mode }, streams: [] } : { protocol, mutualTls: { mode } }
  const running = await startStreams(t, { ports: [port], listener, secrets })
  return { ...running, heard }
}

interface Call extends Partial<Pair> {
  servername?: string
  alpn?: string[]
}

/** What a client is answered by TLS, or why it is not. */
async function secureCall(t: TestContext, { host, port }: HostPort, call: Call, words: string): Promise<string> {
  const { servername = '8080.cart.shop.mesh', alpn = [], cert, key } = call
  const socket = tls.connect({
    host,
    port,
    servername,
    ...(alpn.length > 0 ? { ALPNProtocols: alpn } : {}),
    ca: root.root.toString(),
    ...(cert ? { cert, key } : {}),
    checkServerIdentity: (_name, { subjectaltname }) =>
      subjectaltname === `URI:${cart}` ? undefined : new Error(`it is ${subjectaltname}`),
  })
  t.after(() => socket.destroy())
  let text = ''
  let fault = ''
  socket.setEncoding('latin1').on('data', (part: string) => (text += part))
  socket.once('error', (error: NodeJS.ErrnoException) => (fault = error.code ?? error.message))
  socket.once('secureConnect', () => socket.write(words))
  const isOver = (): boolean => text.endsWith('hi') || socket.destroyed
  await until(isOver, 'an answer, or the end')
  socket.destroy()
  return text === '' ? `no answer ${fault}`.trim() : text
}

const get = 'GET /a HTTP/1.1\r\nhost: cart.shop\r\n\r\n'
const isAnswer = /^HTTP\/1\.1 200 .*hi$/s

for (const protocol of ['http', 'auto'] as const)
  test(`a permissive port of ${protocol} takes a sidecar by its certificate, and plain text as if nobody had looked`, async (t) => {
    const { proxy, events, heard } = await start(t, { mode: 'permissive', protocol })
    assert.match(await secureCall(t, proxy, { ...leafOf(web), alpn: ['http/1.1'] }, get), isAnswer)
    assert.match(
      heard[0]!,
      /x-forwarded-client-cert: By=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/cart;Hash=[0-9a-f]{64};URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web\r\n/,
    )
    const { socket, text } = await open(t, proxy)
    socket.write(get)
    await until(() => text().endsWith('hi'), 'the answer in plain text')
    assert.doesNotMatch(heard[1]!, /x-forwarded-client-cert/)
    await until(() => events.records.length === 2, 'both records')
    assert.deepEqual(
      events.records.map(({ peerPrincipal }) => peerPrincipal),
      [web, ''],
    )
  })

test('opaque bytes of a sidecar go through, and their record names it', async (t) => {
  const { proxy, events, heard } = await start(t, { mode: 'strict', protocol: 'tcp' })
  assert.match(await secureCall(t, proxy, leafOf(web), 'PING\r\n'), isAnswer)
  assert.deepEqual(heard, ['PING\r\n'])
  await until(() => events.streams.length === 1, 'its end')
  assert.equal(events.streams[0]!.peerPrincipal, web)
})

test("an application's own TLS goes to it untouched, whatever the mesh does beside", async (t) => {
  const { proxy, heard } = await start(t, { mode: 'permissive' })
  const { socket } = await open(t, proxy)
  const hello = await helloFor('db.example')
  socket.write(hello)
  await until(() => heard.length > 0, 'the ClientHello at the application')
  assert.equal(heard[0], hello.toString('latin1'))
})

test('a ClientHello is understood at whatever cut', async (t) => {
  const { proxy } = await start(t, { mode: 'permissive' })
  const { port, close } = await slowly(proxy)
  t.after(close)
  assert.match(await secureCall(t, { host: '127.0.0.1', port }, { ...leafOf(web), alpn: ['http/1.1'] }, get), isAnswer)
})

test('a server that speaks first is heard by a caller in plain text, after the time that a sidecar has to say hello', async (t) => {
  const port = await serve(t, (socket) => socket.write('220 mail.example\r\n'))
  const { proxy } = await startStreams(t, {
    ports: [port],
    listener: { mutualTls: { mode: 'permissive' } },
    secrets: newSecrets(),
    settings: { detectTimeoutMs: 40 },
  })
  const { text } = await open(t, proxy)
  await until(() => text() === '220 mail.example\r\n', 'the greeting')
})

test('a strict port answers a request in plain text with 403, and closes all else', async (t) => {
  for (const protocol of ['http', 'auto', 'tcp'] as const) {
    const { proxy, events, heard } = await start(t, { mode: 'strict', protocol })
    const { socket, text } = await open(t, proxy)
    socket.write(protocol === 'tcp' ? 'PING\r\n' : get)
    if (protocol === 'tcp') {
      await until(() => socket.readableEnded || socket.closed, 'the end of the connection')
      assert.deepEqual(events.malformed, ['mtls_required'])
    } else {
      await until(() => text().startsWith('HTTP/1.1 403'), 'the refusal')
      assert.equal(events.last!.code, 'mtls_required')
    }
    assert.deepEqual(heard, [])
  }
})

test('where it is disabled a sidecar that has not heard of it yet is still understood', async (t) => {
  const { proxy } = await start(t, { mode: 'disabled' })
  assert.match(await secureCall(t, proxy, { ...leafOf(web), alpn: ['http/1.1'] }, get), isAnswer)
})

test('a proxy without its certificate refuses mutual TLS with the reason, and takes it as soon as there is one', async (t) => {
  const secrets = new SecretStore()
  const { proxy, events } = await start(t, { mode: 'permissive', secrets })
  assert.match(await secureCall(t, proxy, leafOf(web), get), /^no answer/)
  assert.match(events.malformedDetails[0]!, /secret default has not come yet/)
  const { cert, key } = leafOf(cart)
  secrets.set('ROOTCA', { trustedCa: root.root.toString() })
  secrets.set('default', { chain: cert, privateKey: key })
  assert.match(await secureCall(t, proxy, { ...leafOf(web), alpn: ['http/1.1'] }, get), isAnswer)
})

test('a caller of another trust domain is believed for names of its own, once that is federated with', async (t) => {
  const other = newRoot('other.example', Date.now())
  const secrets = newSecrets()
  const { proxy, events } = await start(t, { mode: 'strict', protocol: 'http', secrets })
  const theirs = { ...leafOf('spiffe://other.example/ns/shop/sa/web', other), alpn: ['http/1.1'] }
  assert.match(await secureCall(t, proxy, theirs, get), /^no answer/)
  const federated = [{ trustDomain: 'other.example', pem: other.root.toString() }]
  secrets.set('ROOTCA', { trustedCa: root.root.toString(), federated })
  assert.match(await secureCall(t, proxy, theirs, get), isAnswer)
  assert.equal(events.last!.peerPrincipal, 'spiffe://other.example/ns/shop/sa/web')
  // Its root says nothing about who is who in ours.
  assert.match(await secureCall(t, proxy, { ...leafOf(web, other), alpn: ['http/1.1'] }, get), /^no answer/)
  assert.match(events.malformedDetails.at(-1)!, /unknown_issuer/)
})

test('a caller whose leaf is revoked is refused from the moment that its list comes, others are not', async (t) => {
  const secrets = newSecrets()
  const { proxy, events } = await start(t, { mode: 'strict', protocol: 'http', secrets })
  const stolen = { ...leafOf(web), alpn: ['http/1.1'] }
  assert.match(await secureCall(t, proxy, stolen, get), isAnswer)
  const { serialNumber } = new X509Certificate(stolen.cert)
  // A list that a stranger signed in the name of our authority says nothing.
  const forged = revocationList({ ...root, key: stranger.key }, [serialNumber])
  secrets.set('ROOTCA', { trustedCa: root.root.toString(), revocations: forged })
  assert.match(await secureCall(t, proxy, stolen, get), isAnswer)
  secrets.set('ROOTCA', { trustedCa: root.root.toString(), revocations: revocationList(root, [serialNumber]) })
  assert.match(await secureCall(t, proxy, stolen, get), /^no answer/)
  assert.match(events.malformedDetails.at(-1)!, /revoked/)
  assert.match(await secureCall(t, proxy, { ...leafOf(web), alpn: ['http/1.1'] }, get), isAnswer)
})

/** A leaf with its key, wrong in one way. */
function wrongPair(wrong: WrongLeaf, authority = root): Pair {
  const keys = newKeys()
  const leaf = newWrongLeaf(authority, wrong, keys)
  return { cert: leaf.toString(), key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

const dayMs = 86_400_000
const refusals: [string, () => Partial<Pair>, RegExp][] = [
  ['nobody', () => ({}), /no certificate|handshake|peer did not return/i],
  [
    'one that is expired',
    () => wrongPair({ notBeforeMs: Date.now() - 2 * dayMs, notAfterMs: Date.now() - dayMs }),
    /expired/i,
  ],
  [
    'one that is not yet valid',
    () => wrongPair({ notBeforeMs: Date.now() + dayMs, notAfterMs: Date.now() + 2 * dayMs }),
    /NOT_YET_VALID/i,
  ],
  [
    'one of another trust domain',
    () => wrongPair({ uris: ['spiffe://other.example/ns/shop/sa/web'] }),
    /wrong_trust_domain/,
  ],
  ['one for signing others', () => wrongPair({ isCa: true }), /wrong_usage|INVALID_PURPOSE/],
  ['one with two names', () => wrongPair({ uris: [web, cart] }), /wrong_names/],
  ['one without a name', () => wrongPair({ uris: [] }), /wrong_names/],
  ['one signed by a stranger', () => leafOf(web, stranger), /UNABLE_TO|SELF_SIGNED|not trusted/],
  [
    'one at the end of a chain that is too long',
    () => leafOf(web, newIntermediate(newIntermediate(root, 0), 0)),
    /PATH_LENGTH|chain_too_long|INVALID_CA|not trusted/,
  ],
]

for (const [name, pair, reason] of refusals)
  test(`refuses ${name}, counts it, and says why`, async (t) => {
    const { proxy, events, heard } = await start(t, { mode: 'strict', protocol: 'http' })
    assert.match(await secureCall(t, proxy, pair(), get), /^no answer/)
    await until(() => events.malformed.length > 0, 'the refusal')
    assert.deepEqual(events.malformed, ['client_tls_failed'])
    assert.match(events.malformedDetails[0]!, reason)
    assert.deepEqual(heard, [])
  })

/** The first bytes of a TLS client that asks for that name. */
async function helloFor(servername: string): Promise<Buffer> {
  const { port, first, close } = await listenOnce()
  const client = tls.connect({ host: '127.0.0.1', port, servername })
  client.on('error', () => undefined)
  const bytes = await first
  client.destroy()
  close()
  return bytes
}

async function listenOnce(): Promise<{ port: number; first: Promise<Buffer>; close: () => void }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const first = once(server, 'connection').then(async ([socket]) => {
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return bytes
  })
  return { port: (server.address() as { port: number }).port, first, close: () => server.close() }
}

/** About so many are sent before the server has said a word. */
const helloBytes = 600

/** Passes on what clients send byte by byte, as long as it is the hello. */
async function slowly(target: HostPort): Promise<{ port: number; close: () => void }> {
  const server = createServer((client) => {
    const onward = connect(target)
    let sent = 0
    client.on('data', (chunk: Buffer) => {
      let at = 0
      for (; at < chunk.length && sent < helloBytes; at++, sent++) onward.write(chunk.subarray(at, at + 1))
      if (at < chunk.length) onward.write(chunk.subarray(at))
    })
    onward.setNoDelay(true)
    onward.on('data', (chunk) => client.write(chunk))
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as { port: number }).port, close: () => server.close() }
}
