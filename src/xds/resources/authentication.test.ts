import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JwtRules } from '#/model/authentication.ts'
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import type { HttpFilters } from '#/model/http-filter.ts'
import type { Listener } from '#/model/listener.ts'
import { decoders } from './decode/decoders.ts'
import { encodeListener } from './encode/listener.ts'

function listenerWith(filters: HttpFilters): Listener {
  const name = 'inbound:8080'
  return {
    name,
    address: { host: '127.0.0.1', port: 8080 },
    direction: 'inbound',
    target: { type: 'routes', routes: { type: 'inline', configuration: { name, virtualHosts: [] } } },
    filters,
    isRedirected: false,
    isLazy: false,
  }
}

function assertCarried(filters: HttpFilters): void {
  const listener = listenerWith(filters)
  assert.deepEqual(decoders.listener(encodeListener(listener)), { ok: true, value: listener })
}

const provider: JwtRules['providers'][number] = {
  name: 'auth0',
  issuer: 'https://auth.example/',
  audiences: ['shop'],
  keySet: '{"keys":[]}',
  from: { headers: [{ name: 'x-token', prefix: 'Token ' }], params: ['token'], cookies: ['session'] },
  claimsToHeaders: [{ header: 'x-user', claim: 'sub' }],
  isForwarded: true,
  clockSkewSeconds: 30,
}

test('tokens that are required, or optional, of one provider or two come over', () => {
  for (const requirement of ['required', 'optional'] as const)
    for (const providers of [[provider], [provider, { ...provider, name: 'other', issuer: 'other' }]])
      assertCarried({ jwt: { providers, requirement } })
})

test('an authorisation server of gRPC comes over, with the headers it may see and the body', () => {
  const plain: ExternalAuthorization = {
    service: { type: 'grpc', cluster: 'authz.shop.svc.cluster.local:9000' },
    timeoutMs: 250,
    onFailure: 'deny',
    statusOnError: 403,
  }
  assertCarried({ externalAuthorization: plain })
  assertCarried({
    externalAuthorization: {
      ...plain,
      service: { type: 'grpc', cluster: 'a', headers: ['cookie'] },
      onFailure: 'allow',
      statusOnError: 503,
      body: { bytesMax: 1024, mayBePartial: true },
    },
  })
})

test('an authorisation server of HTTP comes over', () => {
  const service = {
    type: 'http',
    cluster: 'a',
    authority: 'authz.shop:9000',
    pathPrefix: '/check',
    headers: ['cookie'],
  } as const
  const rest = { timeoutMs: 1000, onFailure: 'deny', statusOnError: 403 } as const
  assertCarried({ externalAuthorization: { service, ...rest } })
  assertCarried({
    externalAuthorization: {
      service: { ...service, requestHeaders: ['x-user'], clientHeaders: ['location'] },
      ...rest,
    },
  })
})
