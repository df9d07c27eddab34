/** Tokens by a real Envoy and by our own proxy: the very same bytes of configuration, and the same verdict on each token. */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import { messageAsJson } from '#/cli/output/xds-json.ts'
import type { JwtRules } from '#/model/authentication.ts'
import type { Listener } from '#/model/listener.ts'
import { startEngine, type TestEngine, until } from '#/proxy/testing/engine.ts'
import { call } from '#/proxy/testing/peer.ts'
import { applicationCluster, inboundListener } from '#/proxy/testing/resources.ts'
import type { HostPort } from '#/std/host-port.ts'
import { decoders } from '#/xds/resources/decode/decoders.ts'
import { encodeCluster } from '#/xds/resources/encode/cluster.ts'
import { encodeListener } from '#/xds/resources/encode/listener.ts'
import { freePort } from '../contract/suite.ts'
import { type EnvoyProcess, startEnvoy } from './envoy.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })

const heard: IncomingHttpHeaders[] = []
const application = createServer((request, answer) => {
  heard.push(request.headers)
  answer.end()
})
const proxies: Partial<Record<'weft' | 'envoy', Record<JwtRules['requirement'], HostPort>>> = {}
let envoy: EnvoyProcess
let weft: TestEngine

async function rulesOf(requirement: JwtRules['requirement']): Promise<JwtRules> {
  const keys = [
    { ...(await exportJWK(rsa.publicKey)), kid: 'r1', alg: 'RS256' },
    { ...(await exportJWK(ec.publicKey)), kid: 'e1', alg: 'ES256' },
  ]
  const provider = {
    name: 'auth',
    issuer: 'https://auth.example/',
    audiences: ['shop'],
    keySet: JSON.stringify({ keys }),
    from: { headers: [], params: [], cookies: [] },
    claimsToHeaders: [
      { header: 'x-user', claim: 'sub' },
      { header: 'x-roles', claim: 'realm.roles' },
      { header: 'x-level', claim: 'level' },
    ],
    isForwarded: false,
    clockSkewSeconds: 5,
  }
  return { providers: [provider], requirement }
}

before(async () => {
  application.listen(0, '127.0.0.1')
  await new Promise((resolve) => application.once('listening', resolve))
  const { port } = application.address() as AddressInfo
  const cluster = applicationCluster(port)
  weft = startEngine()
  weft.source.set('cluster', cluster)
  const listeners: object[] = []
  const places = { weft: {}, envoy: {} } as Required<typeof proxies>
  for (const requirement of ['optional', 'required'] as const) {
    const place = { host: '127.0.0.1', port: await freePort() }
    const filters = { jwt: await rulesOf(requirement) }
    const listener: Listener = { ...inboundListener(port), name: requirement, address: place, filters }
    const message = encodeListener(listener)
    listeners.push(messageAsJson('listener', message) as object)
    places.envoy[requirement] = place
    const decoded = decoders.listener(message)
    if (!decoded.ok) throw new Error(decoded.faults.join('\n'))
    weft.source.set('listener', { ...decoded.value, address: { host: '127.0.0.1', port: 0 } })
  }
  const clusters = [messageAsJson('cluster', encodeCluster(cluster)) as object]
  envoy = await startEnvoy({ static_resources: { listeners, clusters } })
  await until(() => weft.engine.isReady, 'readiness')
  for (const requirement of ['optional', 'required'] as const) places.weft[requirement] = weft.address(requirement)
  Object.assign(proxies, places)
})

after(async () => {
  weft?.close()
  await envoy?.stop()
  application.close()
  application.closeAllConnections()
})

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

function sign(
  claims: JWTPayload,
  header: Record<string, unknown> = {},
  key: KeyObject = rsa.privateKey,
): Promise<string> {
  const all = { iss: 'https://auth.example/', sub: 'ann', aud: 'shop', exp: nowSeconds() + 60, ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: 'r1', ...header }).sign(key)
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function signShared(): string {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
  const claims = { iss: 'https://auth.example/', sub: 'ann', aud: 'shop', exp: nowSeconds() + 60 }
  const signed = `${encode({ alg: 'HS256', kid: 'r1' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
}

const tokens: Record<string, () => Promise<string> | string> = {
  'RS256 that holds': () => sign({ realm: { roles: ['a', 'b'] }, level: 7 }),
  'ES256 that holds': () => sign({}, { alg: 'ES256', kid: 'e1' }, ec.privateKey),
  'no kid': () => sign({}, { kid: undefined }),
  'one of several audiences': () => sign({ aud: ['bank', 'shop'] }),
  expired: () => sign({ exp: nowSeconds() - 30 }),
  'expired within the skew': () => sign({ exp: nowSeconds() - 2 }),
  'not yet valid': () => sign({ nbf: nowSeconds() + 60 }),
  'another audience': () => sign({ aud: 'bank' }),
  'another issuer': () => sign({ iss: 'https://evil.example/' }),
  'an unknown key': () => sign({}, { kid: 'r2' }),
  'a stranger': () => sign({}, {}, stranger.privateKey),
  'alg none': () => `${encode({ alg: 'none' })}.${encode({ iss: 'https://auth.example/', aud: 'shop' })}.`,
  'key confusion': signShared,
  nonsense: () => 'nonsense',
}

interface Seen {
  status: number
  told: (string | undefined)[]
}

async function ask(proxy: HostPort, headers: Record<string, string>): Promise<Seen> {
  heard.length = 0
  const { status } = await call(proxy, { headers })
  return { status, told: ['x-user', 'x-roles', 'x-level', 'authorization'].map((name) => heard[0]?.[name] as string) }
}

for (const requirement of ['optional', 'required'] as const) {
  test(`${requirement}: Envoy and our proxy judge ${Object.keys(tokens).length} tokens alike, and tell the same claims`, async () => {
    for (const [name, make] of Object.entries(tokens)) {
      const headers = { authorization: `Bearer ${await make()}`, 'x-user': 'forged' }
      const ours = await ask(proxies.weft![requirement], headers)
      const theirs = await ask(proxies.envoy![requirement], headers)
      // RFC 6750, section 3.1 asks for 401; Envoy answers 403 where it is the audience.
      if (name === 'another audience') assert.equal(theirs.status, 403)
      else assert.deepEqual(ours, theirs, name)
      assert.ok(ours.status === 200 || ours.status === 401, name)
    }
  })
  test(`${requirement}: Envoy and our proxy judge a request without a token alike`, async () => {
    const ours = await ask(proxies.weft![requirement], {})
    assert.deepEqual(ours, await ask(proxies.envoy![requirement], {}))
    assert.equal(ours.status, requirement === 'optional' ? 200 : 401)
  })
}
