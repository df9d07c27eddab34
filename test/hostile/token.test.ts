/** Tokens that must not be believed, each by the name of its attack, against a running proxy. `jose` makes what is right. */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { exportJWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import type { JwtProvider, JwtRules } from '#/model/authentication.ts'
import { startEngine, until } from '#/proxy/testing/engine.ts'
import { application } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { applicationCluster, inboundListener } from '#/proxy/testing/resources.ts'

const issuer = 'https://auth.example/'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')

async function keySetOf(keys: Record<string, KeyObject>): Promise<string> {
  const jwks = await Promise.all(Object.entries(keys).map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid })))
  return JSON.stringify({ keys: jwks })
}

const keySet = await keySetOf({ r1: rsa.publicKey, e1: ec.publicKey, d1: ed.publicKey, w1: weak.publicKey })

const provider: JwtProvider = {
  name: 'auth',
  issuer,
  audiences: ['shop'],
  keySet,
  from: { headers: [], params: [], cookies: [] },
  claimsToHeaders: [
    { header: 'x-user', claim: 'sub' },
    { header: 'x-roles', claim: 'realm.roles' },
  ],
  isForwarded: false,
  clockSkewSeconds: 5,
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

interface Signing {
  header?: Partial<JWTHeaderParameters> & Record<string, unknown>
  key?: KeyObject
  claims?: JWTPayload
}

function sign({ header, key = rsa.privateKey, claims }: Signing = {}): Promise<string> {
  const all = { iss: issuer, sub: 'ann', aud: 'shop', exp: nowSeconds() + 60, ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid: 'r1', ...header } as JWTHeaderParameters).sign(key, {
    ...(header?.crit ? { crit: { 'x-must': true } } : {}),
  })
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token whose parts are whatever a test likes, signed by the right key. */
async function signText(header: unknown, claims: unknown): Promise<string> {
  const { sign: signBytes } = await import('node:crypto')
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${signBytes('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`
}

const claimsText = (): string => JSON.stringify({ iss: issuer, sub: 'ann', aud: 'shop', exp: nowSeconds() + 60 })

async function startProxy(t: TestContext, more: Partial<JwtRules> = {}) {
  const app = await application(t, 'app')
  const started = startEngine()
  t.after(() => started.close())
  started.source.set('cluster', applicationCluster(app.port))
  const jwt: JwtRules = { providers: [provider], requirement: 'required', ...more }
  const rule = (rules: JwtRules): void =>
    started.source.set('listener', { ...inboundListener(app.port), filters: { jwt: rules } })
  rule(jwt)
  await until(() => started.engine.isReady, 'readiness')
  const proxy = started.address(inboundListener(app.port).name)
  const get = (headers: Record<string, string>, path = '/') => call(proxy, { headers, path })
  const bearer = (token: string, headers: Record<string, string> = {}) =>
    get({ authorization: `Bearer ${token}`, ...headers })
  return { app, started, get, bearer, rule }
}

async function assertRefused(
  t: TestContext,
  token: string,
  code: string,
  rules: Partial<JwtRules> = {},
): Promise<void> {
  const { app, started, bearer } = await startProxy(t, rules)
  const reply = await bearer(token)
  assert.equal(started.events.last?.code, code)
  assert.equal(reply.status, 401)
  assert.match(String(reply.headers['www-authenticate']), /^Bearer( error="invalid_token")?$/)
  assert.deepEqual(app.seen, [], 'the application has seen it')
  const told = started.log.join('\n') + JSON.stringify([started.events.last?.detail, started.events.last?.code])
  for (const part of token.split('.'))
    if (part.length > 8) assert.ok(!told.includes(part), 'a part of the token is told')
}

const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string

function signShared(secret: string | Buffer, header: object = { alg: 'HS256', kid: 'r1' }): string {
  const signed = `${encode(header)}.${encode(claimsText())}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const attacks: Record<string, { make: () => Promise<string> | string; code: string }> = {
  'alg none, without a signature': {
    make: () => `${encode({ alg: 'none' })}.${encode(claimsText())}.`,
    code: 'jwt_algorithm',
  },
  'alg nOnE, with a signature': {
    make: () => signText({ alg: 'nOnE', kid: 'r1' }, claimsText()),
    code: 'jwt_algorithm',
  },
  'key confusion: HS256 with the PEM of the public key': { make: () => signShared(rsaPem), code: 'jwt_algorithm' },
  'key confusion: HS256 with the DER of the public key': {
    make: () => signShared(rsa.publicKey.export({ type: 'spki', format: 'der' })),
    code: 'jwt_algorithm',
  },
  'key confusion: ES256 with the name of an RSA key': {
    make: () => sign({ header: { alg: 'ES256', kid: 'r1' }, key: ec.privateKey }),
    code: 'jwt_unknown_key',
  },
  'a key that is too short': {
    make: async () => {
      const { sign: signBytes } = await import('node:crypto')
      const signed = `${encode({ alg: 'RS256', kid: 'w1' })}.${encode(claimsText())}`
      return `${signed}.${signBytes('sha256', Buffer.from(signed), weak.privateKey).toString('base64url')}`
    },
    code: 'jwt_unknown_key',
  },
  expired: { make: () => sign({ claims: { exp: nowSeconds() - 10 } }), code: 'jwt_expired' },
  'not yet valid': { make: () => sign({ claims: { nbf: nowSeconds() + 60 } }), code: 'jwt_not_yet_valid' },
  'an expiry that is text': {
    make: () => signText({ alg: 'RS256' }, { iss: issuer, aud: 'shop', exp: '9999999999' }),
    code: 'jwt_malformed',
  },
  'another audience': { make: () => sign({ claims: { aud: ['bank'] } }), code: 'jwt_audience' },
  'no audience': { make: () => signText({ alg: 'RS256' }, { iss: issuer }), code: 'jwt_audience' },
  'another issuer': { make: () => sign({ claims: { iss: 'https://evil.example/' } }), code: 'jwt_issuer' },
  'an issuer that only begins right': { make: () => sign({ claims: { iss: `${issuer}evil` } }), code: 'jwt_issuer' },
  'kid injection: a path': { make: () => sign({ header: { kid: '../../../dev/null' } }), code: 'jwt_unknown_key' },
  'kid injection: a URL': {
    make: () => sign({ header: { kid: 'https://evil.example/keys' } }),
    code: 'jwt_unknown_key',
  },
  'kid injection: a name of every object': {
    make: () => sign({ header: { kid: '__proto__' } }),
    code: 'jwt_unknown_key',
  },
  'kid injection: a giant': { make: () => sign({ header: { kid: 'k'.repeat(1000) } }), code: 'jwt_malformed' },
  "kid injection: another of the issuer's keys": {
    make: () => sign({ header: { kid: 'd1' } }),
    code: 'jwt_unknown_key',
  },
  'a key of its own in the header (jwk)': {
    make: async () => sign({ key: stranger.privateKey, header: { jwk: await exportJWK(stranger.publicKey) } }),
    code: 'jwt_signature',
  },
  'a key by URL in the header (jku, x5u)': {
    make: () =>
      sign({ key: stranger.privateKey, header: { jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5' } }),
    code: 'jwt_signature',
  },
  'a signature of a stranger': { make: () => sign({ key: stranger.privateKey }), code: 'jwt_signature' },
  'no signature': { make: async () => `${(await sign()).split('.').slice(0, 2).join('.')}.`, code: 'jwt_signature' },
  'claims that were changed': {
    make: async () => {
      const [header, , signature] = (await sign()).split('.')
      return `${header}.${encode(claimsText().replace('ann', 'bob'))}.${signature}`
    },
    code: 'jwt_signature',
  },
  'a giant': { make: () => sign({ claims: { padding: 'x'.repeat(20_000) } }), code: 'jwt_too_large' },
  'malformed base64: padding': { make: async () => `${await sign()}=`, code: 'jwt_malformed' },
  'malformed base64: the other alphabet': {
    make: async () => {
      const [header, claims] = (await sign()).split('.')
      return `${header}.${claims}.a+/b`
    },
    code: 'jwt_malformed',
  },
  'malformed base64: bits left over': {
    make: async () => {
      const token = await sign()
      // 256 bytes leave 4 bits in the last character: only one of 16 spellings is canonical.
      const last = token.at(-1)!
      const other = String.fromCharCode(last.charCodeAt(0) + 1)
      assert.deepEqual(Buffer.from(token, 'latin1').length, token.length)
      return token.slice(0, -1) + other
    },
    code: 'jwt_malformed',
  },
  'two parts': { make: async () => (await sign()).split('.').slice(0, 2).join('.'), code: 'jwt_malformed' },
  'four parts': { make: async () => `${await sign()}.x`, code: 'jwt_malformed' },
  'five parts (JWE)': { make: () => 'a.b.c.d.e', code: 'jwt_malformed' },
  'no JSON': { make: () => signText('{"alg":"RS256"', claimsText()), code: 'jwt_malformed' },
  'claims that are a list': { make: () => signText({ alg: 'RS256' }, '[]'), code: 'jwt_malformed' },
  'a claim that stands twice': {
    make: () => signText({ alg: 'RS256' }, `{"sub":"bob",${claimsText().slice(1)}`),
    code: 'jwt_malformed',
  },
  'a claim that stands twice, once escaped': {
    make: () => signText({ alg: 'RS256' }, `{"s\\u0075b":"bob",${claimsText().slice(1)}`),
    code: 'jwt_malformed',
  },
  'a header field that stands twice': {
    make: () => signText('{"alg":"none","alg":"RS256"}', claimsText()),
    code: 'jwt_malformed',
  },
  'an extension that must be understood (crit)': {
    make: () => sign({ header: { crit: ['x-must'], 'x-must': 1 } }),
    code: 'jwt_critical_header',
  },
  'an unencoded payload (b64)': {
    make: () => signText({ alg: 'RS256', b64: false }, claimsText()),
    code: 'jwt_malformed',
  },
  empty: { make: () => '', code: 'jwt_missing' },
}

for (const [name, { make, code }] of Object.entries(attacks))
  test(`a hostile token is refused as ${code}: ${name}`, async (t) => assertRefused(t, await make(), code))

test('a bad token is refused even where none is asked for, and none is let through', async (t) => {
  const { app, bearer, get } = await startProxy(t, { requirement: 'optional' })
  assert.equal((await bearer(await sign({ key: stranger.privateKey }))).status, 401)
  assert.equal((await get({})).status, 200)
  assert.equal(app.seen.length, 1)
})

test('two tokens that differ are refused, whichever holds', async (t) => {
  const { started, get, app } = await startProxy(t)
  const [one, other] = [await sign(), await sign({ claims: { sub: 'bob' } })]
  const reply = await get({ authorization: `Bearer ${one}` }, `/?access_token=${other}`)
  assert.equal(reply.status, 401)
  assert.equal(started.events.last?.code, 'jwt_ambiguous')
  assert.equal(started.events.last?.path, '/')
  assert.deepEqual(app.seen, [])
})

test('a client can not write the headers that tell claims', async (t) => {
  const { app, get, bearer } = await startProxy(t, { requirement: 'optional' })
  await get({ 'x-user': 'admin' })
  await bearer(await sign({ claims: { sub: 'eve\r\nx-admin: yes' } }), { 'x-user': 'admin', 'x-roles': 'all' })
  for (const headers of app.headers) {
    assert.equal(headers['x-user'], undefined)
    assert.equal(headers['x-roles'], undefined)
    assert.equal(headers['x-admin'], undefined)
  }
})

test('tokens of every algorithm that is taken hold, and their claims reach the application', async (t) => {
  const { app, bearer, started } = await startProxy(t)
  const keys: [string, string, KeyObject][] = [
    ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg): [string, string, KeyObject] => [
      alg,
      'r1',
      rsa.privateKey,
    ]),
    ['ES256', 'e1', ec.privateKey],
    ['EdDSA', 'd1', ed.privateKey],
  ]
  for (const [alg, kid, key] of keys) {
    const reply = await bearer(await sign({ header: { alg, kid }, key, claims: { realm: { roles: ['a'] }, sub: alg } }))
    assert.equal(reply.status, 200, `${alg}: ${started.events.last?.code} ${started.events.last?.detail}`)
    assert.equal(app.headers.at(-1)!['x-user'], alg)
    assert.equal(app.headers.at(-1)!['x-roles'], Buffer.from('["a"]').toString('base64url'))
    assert.equal(app.headers.at(-1)!.authorization, undefined)
  }
})

test('a token that was verified once stops to hold when its time is over, and when its key is withdrawn', async (t) => {
  const { bearer, rule, started } = await startProxy(t, { providers: [{ ...provider, clockSkewSeconds: 0 }] })
  const short = await sign({ claims: { exp: nowSeconds() + 1 } })
  assert.equal((await bearer(short)).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 1100))
  assert.equal((await bearer(short)).status, 401)
  assert.equal(started.events.last?.code, 'jwt_expired')
  const long = await sign()
  assert.equal((await bearer(long)).status, 200)
  rule({ providers: [{ ...provider, keySet: await keySetOf({ r1: stranger.publicKey }) }], requirement: 'required' })
  assert.equal((await bearer(long)).status, 401)
})

test('without keys nothing is believed, and the issuer is not blamed', async (t) => {
  const { bearer, started } = await startProxy(t, { providers: [{ ...provider, keySet: '{"keys":[]}' }] })
  assert.equal((await bearer(await sign())).status, 503)
  assert.equal(started.events.last?.code, 'jwks_unavailable')
})

test('a token is taken from a cookie, a parameter or a header of its own, and from nowhere else', async (t) => {
  const from = { headers: [{ name: 'x-token', prefix: '' }], params: ['t'], cookies: ['session'] }
  const { app, get } = await startProxy(t, { providers: [{ ...provider, from }] })
  const token = await sign()
  assert.equal((await get({ 'x-token': token })).status, 200)
  assert.equal((await get({ cookie: `a=1; session=${token}; b=2` })).status, 200)
  assert.equal((await get({}, `/p?x=1&t=${token}`)).status, 200)
  assert.equal((await get({ authorization: `Bearer ${token}` })).status, 401)
  assert.deepEqual(app.seen, ['GET /', 'GET /', 'GET /p?x=1'])
  assert.equal(app.headers[0]!['x-token'], undefined)
  assert.equal(app.headers[1]!.cookie, 'a=1; b=2')
})

test('a preflight needs no token', async (t) => {
  const { app, started } = await startProxy(t)
  const proxy = started.address(inboundListener(app.port).name)
  const headers = { origin: 'https://shop.example', 'access-control-request-method': 'GET' }
  assert.equal((await call(proxy, { method: 'OPTIONS', headers })).status, 200)
})
