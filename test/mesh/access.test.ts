/** A mesh of processes that denies by default: who may call is known by its certificate, and a change is in force at once. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '#/up/testing/until.ts'
import { getAs, getThrough, LaptopMesh } from './testing/laptop-mesh.ts'

const policies = `
apiVersion: weft.dev/v1alpha1
kind: AccessPolicy
metadata: { name: default-deny, namespace: hello }
spec: {}
---
apiVersion: weft.dev/v1alpha1
kind: AccessPolicy
metadata: { name: greeting, namespace: hello }
spec:
  selector: { matchLabels: { app: greeting } }
  rules:
    - from: [{ serviceAccounts: [default] }]
      to: [{ methods: [GET], notPaths: [/secret] }]
`

let mesh: LaptopMesh

before(async () => {
  mesh = new LaptopMesh('hello', { prepare: (folder) => writeFileSync(join(folder, 'access.yaml'), policies) })
  await mesh.ready()
})
after(() => mesh?.stop())

const call = (path: string) => getThrough(mesh.workload('web').outbound!, `http://greeting-v1.hello${path}`)

test('a caller with the identity that a rule names is answered', async () => {
  assert.equal((await call('/')).status, 200)
})

test('what no rule allows is denied, and the caller inside the mesh is told why', async () => {
  for (const path of ['/secret', '/x/../secret', '//secret', '/%73ecret']) {
    const { status, body } = await call(path)
    assert.equal(status, 403, path)
    assert.match(body, /^no_rule_allows/)
  }
})

test('a caller without an identity is denied, and told nothing', async () => {
  const { status, body } = await getAs(mesh.workload('greeting-v1').inbound!, 'greeting-v1.hello')
  assert.equal(status, 403)
  assert.doesNotMatch(body, /AccessPolicy/)
})

test('explain says of the folder what the mesh does', async () => {
  const explain = (...words: string[]) =>
    mesh.run('access', 'explain', '-f', mesh.folder, '--to', 'greeting-v1.hello', ...words)
  assert.equal((await explain('--from', 'hello/default', 'GET', '/')).code, 0)
  assert.equal((await explain('--from', 'hello/default', 'GET', '/x/../secret')).code, 1)
  assert.equal((await explain('GET', '/')).code, 1)
})

test('a change of a policy is in force for the next request', async () => {
  mesh.edit('access.yaml', (text) => text.replace('serviceAccounts: [default]', 'serviceAccounts: [other]'))
  const denied = async (): Promise<boolean> => (await call('/')).status === 403
  let isDenied = false
  const look = setInterval(() => void denied().then((now) => (isDenied ||= now)), 50)
  await until(() => isDenied, 'the change', 10_000)
  clearInterval(look)
  const log = await mesh.run('audit', '--since', '1h', '-o', 'json')
  assert.equal(log.code, 0, log.errors)
})
