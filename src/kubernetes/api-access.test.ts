import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { accessFromKubeconfig, accessFromPod } from './api-access.ts'
import { pluralOf, resourcePath } from './resource.ts'

describe('access to the API', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-access-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  test('is read from a kubeconfig, with files beside it', () => {
    write('ca.crt', 'ROOTS')
    const path = write(
      'config',
      `current-context: one
contexts: [{name: one, context: {cluster: c, user: u, namespace: shop}}]
clusters: [{name: c, cluster: {server: "https://api.test:6443/", certificate-authority: ca.crt}}]
users: [{name: u, user: {token: secret}}]
`,
    )
    const { server, roots, token, namespace } = accessFromKubeconfig(path)
    assert.deepEqual(
      { server, roots, namespace, token: token?.() },
      { server: 'https://api.test:6443', roots: 'ROOTS', namespace: 'shop', token: 'secret' },
    )
  })

  test('says what a kubeconfig lacks', () => {
    assert.throws(() => accessFromKubeconfig(write('empty', '')), /it has no current-context/)
    assert.throws(() => accessFromKubeconfig(write('wrong', 'current-context: x\n')), /there is no context x/)
    const login = `current-context: one
contexts: [{name: one, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://api.test"}}]
users: [{name: u, user: {exec: {command: login}}}]
`
    assert.throws(() => accessFromKubeconfig(write('login', login)), /logs in by a program/)
  })

  test('in a pod uses the token of the moment', () => {
    write('token', 'first\n')
    write('namespace', 'weft-system')
    const access = accessFromPod({ host: '::1', port: 443, folder })
    assert.equal(access.server, 'https://[::1]:443')
    assert.equal(access.token?.(), 'first')
    write('token', 'second\n')
    assert.equal(access.token?.(), 'second')
  })

  test('knows paths and plurals', () => {
    const plurals = ['Pod', 'BackendTLSPolicy', 'Mesh', 'GatewayClass', 'EndpointSlice'].map(pluralOf)
    assert.deepEqual(plurals, ['pods', 'backendtlspolicies', 'meshes', 'gatewayclasses', 'endpointslices'])
    const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', isNamespaced: true }
    assert.equal(
      resourcePath(leases, { namespace: 'a', name: 'b' }),
      '/apis/coordination.k8s.io/v1/namespaces/a/leases/b',
    )
  })
})
