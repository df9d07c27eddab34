// From YAML to the names under which callers of a namespace find what they call.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mesh } from '#/model/mesh.ts'
import { readResources } from '../translate/testing/read-resources.ts'
import { translate } from '../translate/translate.ts'
import { callableNames, callsAnyHost, findCallable } from './callable-name.ts'

interface External {
  namespace: string
  name?: string
  hosts: string[]
  more?: string
}

function external({ namespace, name = 'api', hosts, more = '' }: External): string {
  return `
apiVersion: weft.dev/v1alpha1
kind: ExternalService
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  hosts: ${JSON.stringify(hosts)}
  ports: [{ port: 80, protocol: HTTP }]
${more}
---`
}

const forAll = '  allowedCallers: { namespaces: { from: All } }'

function meshOf(...objects: string[]): Mesh {
  return translate(readResources(objects.join('\n'))).mesh
}

test("a namespace's own word goes before that for all, and is heard by nobody else", () => {
  const mesh = meshOf(
    external({ namespace: 'shop', hosts: ['api.example'] }),
    external({ namespace: 'weft-system', hosts: ['api.example'], more: forAll }),
  )
  assert.equal(findCallable(callableNames(mesh, 'shop'), 'api.example:80'), 'shop/api.example:80')
  assert.equal(findCallable(callableNames(mesh, 'web'), 'api.example:80'), 'api.example:80')
})

test('the longest name that covers a host counts, and one for the host itself before all', () => {
  const mesh = meshOf(
    external({ namespace: 'shop', name: 'wide', hosts: ['*.example'] }),
    external({ namespace: 'shop', name: 'narrow', hosts: ['*.api.example'] }),
    external({ namespace: 'shop', name: 'exact', hosts: ['eu.api.example'] }),
  )
  const names = callableNames(mesh, 'shop')
  const find = (host: string): string | undefined => findCallable(names, `${host}:80`)
  assert.equal(find('eu.api.example'), 'shop/eu.api.example:80')
  assert.equal(find('a.us.api.example'), 'shop/*.api.example:80')
  assert.equal(find('api.example'), 'shop/*.example:80')
  assert.equal(find('example'), undefined)
  assert.equal(findCallable(names, 'eu.api.example:81'), undefined)
  assert.equal(findCallable(names, 'no port'), undefined)
  assert.ok(callsAnyHost(mesh))
})

test('a Service keeps its name, whatever is said of the outside', () => {
  const service =
    '{ apiVersion: v1, kind: Service, metadata: { name: a, namespace: b }, spec: { ports: [{ port: 80 }] } }\n---'
  const mesh = meshOf(service, external({ namespace: 'shop', hosts: ['a.b', '*.b'] }))
  const names = callableNames(mesh, 'shop')
  assert.equal(findCallable(names, 'a.b:80'), 'a.b.svc.cluster.local:80')
  assert.equal(findCallable(names, 'c.b:80'), 'shop/a.b:80')
})

test('addresses are names for redirected connections, and IPv6 has its brackets', () => {
  const more = '  resolution: Static\n  endpoints: [{ address: 192.0.2.1 }, { address: "2001:db8::1" }]'
  const mesh = meshOf(external({ namespace: 'shop', hosts: ['db.example'], more }))
  const names = callableNames(mesh, 'shop')
  for (const name of ['192.0.2.1:80', '[2001:db8::1]:80', 'db.example:80'])
    assert.equal(findCallable(names, name), 'shop/db.example:80')
  assert.ok(!callsAnyHost(mesh))
})
