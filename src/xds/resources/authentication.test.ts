import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JwtRules } from '#/model/authentication.ts'
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
