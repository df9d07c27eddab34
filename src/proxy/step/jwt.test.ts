import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import type { AccessRules } from '#/model/access.ts'
import type { JwtRules } from '#/model/authentication.ts'
import { startEngine, until } from '#/proxy/testing/engine.ts'
import { application } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { applicationCluster, inboundListener } from '#/proxy/testing/resources.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const jwt: JwtRules = {
  providers: [
    {
      name: 'auth',
      issuer: 'auth',
      audiences: [],
      keySet: JSON.stringify({ keys: [await exportJWK(publicKey)] }),
      from: { headers: [], params: [], cookies: [] },
      claimsToHeaders: [],
      isForwarded: true,
      clockSkewSeconds: 1,
    },
  ],
  requirement: 'optional',
}

const access: AccessRules = {
  deny: [],
  allow: [
    {
      name: 'admins',
      principal: { type: 'claim', path: ['realm', 'roles'], match: { type: 'exact', value: 'admin' } },
      permission: { type: 'any' },
    },
  ],
  audit: [],
}

const sign = (claims: JWTPayload): Promise<string> =>
  new SignJWT({ iss: 'auth', ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)

test('access goes by the claims of a token that holds, and by no other', async (t) => {
  const app = await application(t, 'app')
  const { source, engine, events, address, close } = startEngine()
  t.after(close)
  source.set('cluster', applicationCluster(app.port))
  source.set('listener', { ...inboundListener(app.port), filters: { jwt, access } })
  await until(() => engine.isReady, 'readiness')
  const get = async (token?: string): Promise<[number, string]> => {
    const headers = token === undefined ? {} : { authorization: `bearer ${token}` }
    const { status } = await call(address(inboundListener(app.port).name), { headers })
    return [status, events.last!.code]
  }
  const admin = await sign({ realm: { roles: ['user', 'admin'] } })
  assert.deepEqual(await get(admin), [200, ''])
  assert.match(String(app.headers[0]!.authorization), /^bearer ey/)
  assert.deepEqual(await get(admin), [200, ''])
  assert.deepEqual(await get(await sign({ realm: { roles: ['user'] } })), [403, 'no_rule_allows'])
  assert.deepEqual(await get(), [403, 'no_rule_allows'])
  const [header, , signature] = admin.split('.')
  const other = (await sign({ realm: { roles: ['admin', 'root'] } })).split('.')[1]
  assert.deepEqual(await get(`${header}.${other}.${signature}`), [401, 'jwt_signature'])
})
