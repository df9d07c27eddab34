import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStatus } from '#/model/mesh.ts'
import { formatStatusTable, statusRows } from './status-table.ts'

const statuses: ObjectStatus[] = [
  {
    ref: { kind: 'HTTPRoute', namespace: 'shop', name: 'reviews' },
    parents: [
      {
        parent: { kind: 'Service', namespace: 'shop', name: 'reviews', port: 80 },
        conditions: [
          { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'routes reviews:80 for all callers' },
          { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'all references are in force' },
          { type: 'Programmed', status: 'True', reason: 'Programmed', message: 'live on 4 of 4 proxies' },
        ],
      },
    ],
  },
  {
    ref: { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' },
    parents: [
      {
        parent: { kind: 'Service', namespace: 'shop', name: 'cart' },
        conditions: [
          { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'routes cart:80 for all callers' },
          { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', message: 'There is no Service cat.' },
          { type: 'Conflicted', status: 'True', reason: 'Shadowed', message: 'rule 1 never takes a request.' },
        ],
      },
    ],
  },
]

test('says in one line that all is well, and every bad condition in a line of its own', () => {
  assert.equal(
    formatStatusTable(statuses),
    `OBJECT                  PARENT                   STATE  DETAIL
HTTPRoute/shop/reviews  Service/shop/reviews:80  fine   routes reviews:80 for all callers, live on 4 of 4 proxies
HTTPRoute/shop/cart     Service/shop/cart        error  BackendNotFound: There is no Service cat.
                                                        Shadowed: rule 1 never takes a request.
`,
  )
})

test('waiting for proxies and shadowed rules are warnings, not errors', () => {
  const [{ ref, parents }] = statuses as [ObjectStatus]
  const waiting = { type: 'Programmed', status: 'False', reason: 'Pending', message: 'live on 3 of 4 proxies' } as const
  const conditions = [...parents[0]!.conditions.slice(0, 2), waiting]
  const [row] = statusRows([{ ref, parents: [{ ...parents[0]!, conditions }] }])
  assert.equal(row?.state, 'warning')
  assert.deepEqual(row?.details, ['Pending: live on 3 of 4 proxies'])
})

test('prints nothing for no statuses', () => {
  assert.equal(formatStatusTable([]), '')
})
