/** A mesh of processes that asks for tokens: the control plane fetches the issuer's keys, sidecars judge by them. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, SignJWT } from 'jose'
import { until } from '#/up/testing/until.ts'
import { getThrough, LaptopMesh } from './testing/laptop-mesh.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] })

/** The issuer, which is not there at first. */
let isIssuerUp = false
const issuer = createServer((_, answer) => {
  answer.statusCode = isIssuerUp ? 200 : 500
  answer.end(isIssuerUp ? keySet : 'not yet')
})
let mesh: LaptopMesh

before(async () => {
  issuer.listen(0, '127.0.0.1')
  await new Promise((resolve) => issuer.once('listening', resolve))
  const policy = `
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: people, namespace: hello }
spec:
  selector: { matchLabels: { app: greeting } }
  jwt:
    requirement: Required
    providers: [{ name: house, issuer: house, jwksUri: "http://127.0.0.1:${(issuer.address() as AddressInfo).port}/" }]
`
  mesh = new LaptopMesh('hello', { prepare: (folder) => writeFileSync(join(folder, 'people.yaml'), policy) })
  await mesh.ready()
})
after(async () => {
  await mesh?.stop()
  issuer.close()
  issuer.closeAllConnections()
})

const call = (query: string) => getThrough(mesh.workload('web').outbound!, `http://greeting-v1.hello/${query}`)
const sign = (key = privateKey): Promise<string> =>
  new SignJWT({ iss: 'house', sub: 'ann' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setExpirationTime('5m')
    .sign(key)

test('without a token nobody passes', async () => {
  const { status, body } = await call('')
  assert.equal(status, 401)
  assert.match(body, /^jwt_missing/)
})

test('while the keys are unknown no token is believed, and once they come the right one is', async () => {
  const token = await sign()
  const before = await call(`?access_token=${token}`)
  assert.equal(before.status, 503)
  assert.match(before.body, /^jwks_unavailable/)
  isIssuerUp = true
  await until(async () => (await call(`?access_token=${token}`)).status === 200, 'the keys of the issuer')
})

test('a token of somebody else is refused, and its text stands in no answer', async () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const token = await sign(stranger)
  const { status, body } = await call(`?access_token=${token}`)
  assert.equal(status, 401)
  assert.match(body, /^jwt_signature/)
  assert.ok(!body.includes(token.split('.')[2]!))
})
