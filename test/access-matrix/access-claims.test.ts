/** Claims of a token × caller × method, as they are explained; and by a connection, which brings none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '#/cli/command/access-explain-verdict.ts'
import { callers, idOf, type PolicySet } from './matrix.ts'
import { configurationOf } from './scene.ts'

type Claims = Readonly<Record<string, unknown>> | undefined

const tokens: readonly Claims[] = [
  undefined,
  {},
  { sub: 'ann' },
  { sub: 'bob', groups: ['staff', 'admin'] },
  { sub: 'ann', groups: 'admin' },
  { realm_access: { roles: ['admin'] }, groups: [['admin']] },
  { 'realm_access.roles': ['admin'], groups: { admin: true } },
  { 'https://shop.example/roles': ['admin'], sub: ['ann'] },
  { sub: 1, groups: [1, null] },
]

interface ClaimSet {
  name: string
  spec: object
  expected(claims: Claims, caller: string, method: string): boolean
}

const listed = (value: unknown, text: string): boolean =>
  value === text || (Array.isArray(value) && value.includes(text))
const realm = (claims: Claims): unknown => (claims?.realm_access as { roles?: unknown } | undefined)?.roles

const sets: readonly ClaimSet[] = [
  {
    name: 'a subject',
    spec: { rules: [{ from: [{ claims: [{ name: 'sub', values: ['ann', 'carl'] }] }] }] },
    expected: (claims) => listed(claims?.sub, 'ann'),
  },
  {
    name: 'a role within an object, or a service account',
    spec: {
      rules: [
        { from: [{ claims: [{ name: 'realm_access.roles', values: ['admin'] }] }, { serviceAccounts: ['shop/web'] }] },
      ],
    },
    expected: (claims, caller) => listed(realm(claims), 'admin') || caller === 'shop/web',
  },
  {
    name: 'a claim whose name is a URL',
    spec: { rules: [{ from: [{ claims: [{ name: 'https://shop.example/roles', values: ['admin'] }] }] }] },
    expected: (claims) => listed(claims?.['https://shop.example/roles'], 'admin'),
  },
  {
    name: 'two claims at once, and a method',
    spec: {
      rules: [
        {
          from: [
            {
              claims: [
                { name: 'sub', values: ['bob'] },
                { name: 'groups', values: ['admin'] },
              ],
            },
          ],
          to: [{ methods: ['GET'] }],
        },
      ],
    },
    expected: (claims, _, method) => method === 'GET' && claims?.sub === 'bob' && listed(claims.groups, 'admin'),
  },
  {
    name: 'a deny of all who are not of a group',
    spec: { action: 'Deny', rules: [{ from: [{ notClaims: [{ name: 'groups', values: ['staff'] }] }] }] },
    expected: (claims) => listed(claims?.groups, 'staff'),
  },
]

for (const { name, spec, expected } of sets) {
  const set: PolicySet = { name, specs: [spec], seesPaths: false, expected: () => false }
  const { port } = configurationOf(set, { application: 1, inbound: 1 })

  test(`${name}: is explained as it was meant`, async () => {
    for (const claims of tokens)
      for (const caller of callers)
        for (const method of ['GET', 'POST']) {
          const request = { method, path: '/', authority: 'orders.shop', headers: [] }
          const asked = { caller: idOf(caller), address: '127.0.0.1', request, ...(claims ? { claims } : {}) }
          const { isAllowed } = await decide(port, asked)
          assert.equal(isAllowed, expected(claims, caller, method), `${JSON.stringify(claims)} ${caller} ${method}`)
        }
  })

  test(`${name}: a connection of bytes has no token, and what it could say is closed`, async () => {
    for (const caller of callers) {
      const { isAllowed } = await decide(port, { caller: idOf(caller), address: '127.0.0.1' })
      assert.equal(isAllowed, name.includes('service account') && caller === 'shop/web', caller)
    }
  })
}
