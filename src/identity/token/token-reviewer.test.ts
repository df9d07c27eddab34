import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { ManualClock } from '#/std/clock.ts'
import { tokenLifeMs } from './token-claims.ts'
import { openTokenKey } from './token-key.ts'
import { LaptopTokenReviewer, TokenFault } from './token-reviewer.ts'
import { signToken } from './token-signer.ts'
import { UsedTokens } from './used-tokens.ts'

const key = randomBytes(32)
const bearer = { namespace: 'shop', serviceAccount: 'cart', pod: 'cart-1' }
const nowMs = Date.parse('2026-11-23T12:00:00Z')

function open(t: TestContext, folder = mkdtempSync(join(tmpdir(), 'weft-tokens-'))) {
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const clock = new ManualClock(nowMs)
  const path = join(folder, 'used')
  const reviewer = (): LaptopTokenReviewer =>
    new LaptopTokenReviewer({ key, used: new UsedTokens(path, clock.wallMs()), clock })
  return { clock, path, reviewer }
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token put together by hand, signed with `by`. */
function forge({ header = {}, claims = {}, by = key as Uint8Array | null }): string {
  const good = JSON.parse(Buffer.from(signToken(key, bearer, nowMs).split('.')[1]!, 'base64url').toString()) as object
  const signed = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part({ ...good, ...claims })}`
  return `${signed}.${by ? createHmac('sha256', by).update(signed).digest('base64url') : ''}`
}

test('a token tells who bears it', async (t) => {
  assert.deepEqual(
    await open(t)
      .reviewer()
      .review(signToken(key, bearer, nowMs), 'a'),
    bearer,
  )
})

test('the hand-made token of these tests is good before it is spoilt', async (t) => {
  assert.deepEqual(await open(t).reviewer().review(forge({}), 'a'), bearer)
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const seconds = nowMs / 1000

const wrong: [string, string, () => string | Promise<string>][] = [
  ['alg none', 'token_header', () => forge({ header: { alg: 'none' }, by: null })],
  ['alg None with a signature', 'token_header', () => forge({ header: { alg: 'None' } })],
  ['no signature', 'token_signature', () => forge({ by: null })],
  ['another key', 'token_signature', () => forge({ by: randomBytes(32) })],
  [
    'key confusion, signed by RSA',
    'token_header',
    () => new SignJWT({}).setProtectedHeader({ alg: 'RS256' }).sign(rsa.privateKey),
  ],
  ['a longer hash', 'token_header', () => forge({ header: { alg: 'HS512' } })],
  ['a kid that leads into a folder', 'token_header', () => forge({ header: { kid: '../../../../dev/null' } })],
  ['a kid that is a query', 'token_header', () => forge({ header: { kid: "x' UNION SELECT 'key" } })],
  [
    'a key of its own',
    'token_header',
    () => forge({ header: { jwk: { kty: 'oct', k: 'AAAA' } }, by: Buffer.alloc(3) }),
  ],
  ['an address of keys', 'token_header', () => forge({ header: { jku: 'http://evil.example/keys' } })],
  ['what it calls critical', 'token_header', () => forge({ header: { crit: ['exp'] } })],
  ['a time that is over', 'token_expired', () => forge({ claims: { iat: seconds - 7200, exp: seconds - 3600 } })],
  ['a time to come', 'token_claims', () => forge({ claims: { iat: seconds + 600, exp: seconds + 1200 } })],
  [
    'a life that is too long',
    'token_expired',
    () => forge({ claims: { iat: seconds - 86_400, exp: seconds + 86_400 } }),
  ],
  ['no end', 'token_claims', () => forge({ claims: { exp: undefined } })],
  ['another audience', 'token_claims', () => forge({ claims: { aud: 'kubernetes' } })],
  ['no audience', 'token_claims', () => forge({ claims: { aud: undefined } })],
  ['another issuer', 'token_claims', () => forge({ claims: { iss: 'evil' } })],
  ['no name of its own', 'token_claims', () => forge({ claims: { jti: undefined } })],
  ['a name of its own that breaks the file', 'token_claims', () => forge({ claims: { jti: 'a b\nc' } })],
  [
    'another subject than its claims',
    'token_claims',
    () => forge({ claims: { sub: 'system:serviceaccount:shop:admin' } }),
  ],
  [
    'a namespace that ends a path',
    'token_claims',
    () => {
      const namespace = 'shop/sa/admin'
      const claims = { namespace, pod: { name: 'x' }, serviceaccount: { name: 'cart' } }
      return forge({ claims: { 'kubernetes.io': claims, sub: `system:serviceaccount:${namespace}:cart` } })
    },
  ],
  [
    'no pod',
    'token_claims',
    () => forge({ claims: { 'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'cart' } } } }),
  ],
  ['a giant', 'token_too_long', () => forge({ claims: { padding: 'x'.repeat(8192) } })],
  ['no JWT', 'token_malformed', () => 'hello'],
  ['five parts', 'token_header', () => `${part({ alg: 'dir', enc: 'A256GCM' })}....`],
  ['nothing', 'token_malformed', () => ''],
]

for (const [what, code, make] of wrong) {
  test(`a token with ${what} is refused, and its words are not repeated`, async (t) => {
    const token = await make()
    const parts = token.split('.').filter((one) => one.length > 8)
    await assert.rejects(open(t).reviewer().review(token, 'a'), (error: TokenFault) => {
      assert.ok(error instanceof TokenFault, String(error))
      assert.equal(error.code, code, error.message)
      return !parts.some((one) => error.message.includes(one)) && !error.message.includes('evil')
    })
  })
}

test('a token serves one key, again when the answer was lost, and no other, not after a restart either', async (t) => {
  const { reviewer, path } = open(t)
  const token = signToken(key, bearer, nowMs)
  const first = reviewer()
  await first.review(token, 'mine')
  assert.deepEqual(await first.review(token, 'mine'), bearer)
  const isReplayed = ({ code }: TokenFault): boolean => code === 'token_replayed'
  await assert.rejects(first.review(token, 'thief'), isReplayed)
  await assert.rejects(reviewer().review(token, 'thief'), isReplayed)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('used tokens are forgotten when they could not serve any more', async (t) => {
  const { reviewer, clock, path } = open(t)
  await reviewer().review(signToken(key, bearer, nowMs), 'a')
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 2)
  clock.advance(tokenLifeMs + 1000)
  reviewer()
  assert.equal(readFileSync(path, 'utf8'), '')
})

test('a token expires to the second', async (t) => {
  const { reviewer, clock } = open(t)
  const token = signToken(key, bearer, nowMs)
  clock.advance(tokenLifeMs - 1000)
  assert.deepEqual(await reviewer().review(token, 'a'), bearer)
  clock.advance(3000)
  await assert.rejects(reviewer().review(token, 'a'), ({ code }: TokenFault) => code === 'token_expired')
})

test('of two that start together one key stays, readable to nobody else', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'identity', 'token.key')
  assert.deepEqual(openTokenKey(path), openTokenKey(path))
  assert.equal(statSync(path).mode & 0o777, 0o600)
})
