import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestHead } from '#/codec/message.ts'
import type { AccessRule, AccessRules, Permission, Principal } from '#/model/access.ts'
import { AccessTable, type AccessTraceEntry } from './access-table.ts'
import type { AccessQuestion } from './condition.ts'

const web = 'spiffe://cluster.local/ns/web/sa/front'
const other = 'spiffe://cluster.local/ns/other/sa/front'

function question(method: string, path: string, principals: readonly string[] = [web]): AccessQuestion {
  const head: RequestHead = {
    method,
    scheme: 'http',
    authority: 'orders.shop',
    path,
    headers: ['x-team', 'blue'],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
  }
  return { principals, address: '10.0.0.7', port: 8080, head }
}

const caller = (value: string): Principal => ({ type: 'authenticated', match: { type: 'exact', value } })
const method = (value: string): Permission => ({
  type: 'header',
  match: { name: ':method', type: 'exact', value, isInverted: false },
})
const path = (value: string): Permission => ({ type: 'path', match: { type: 'template', value } })
const and = (...conditions: Permission[]): Permission => ({ type: 'and', conditions })
const rule = (name: string, principal: Principal, permission: Permission): AccessRule => ({
  name,
  principal,
  permission,
})
const any = { type: 'any' } as const

function decide(rules: Partial<AccessRules>, asked: AccessQuestion): string {
  const decision = new AccessTable({ deny: [], audit: [], ...rules }).decide(asked)
  return `${decision.isAllowed ? 'allowed' : 'denied'} ${decision.rule}`.trim()
}

test('lets everything pass where no policy applies', () => {
  assert.equal(decide({}, question('GET', '/', [])), 'allowed')
})

test('lets nothing pass where policies allow nothing', () => {
  assert.equal(decide({ allow: [] }, question('GET', '/')), 'denied')
})

test('a deny wins over an allow that matches too', () => {
  const rules = { deny: [rule('d', any, path('/admin/**'))], allow: [rule('a', caller(web), any)] }
  assert.equal(decide(rules, question('GET', '/admin/x')), 'denied d')
  assert.equal(decide(rules, question('GET', '/x')), 'allowed a')
  assert.equal(decide(rules, question('GET', '/x', [other])), 'denied')
})

test('a caller without identity is nobody, and not excluded from "not"', () => {
  const everyoneNamed: Principal = { type: 'authenticated', match: { type: 'prefix', value: '' } }
  assert.equal(decide({ allow: [rule('a', everyoneNamed, any)] }, question('GET', '/', [])), 'denied')
  const strangers: Principal = { type: 'not', condition: caller(web) }
  assert.equal(decide({ deny: [rule('d', strangers, any)] }, question('GET', '/', [])), 'denied d')
  assert.equal(decide({ deny: [rule('d', strangers, any)] }, question('GET', '/')), 'allowed')
})

test('many callers, other ways to name them beside', () => {
  const some: Principal = {
    type: 'or',
    conditions: [
      caller(web),
      caller(other),
      { type: 'authenticated', match: { type: 'prefix', value: 'spiffe://friend/' } },
      { type: 'address', block: { address: '192.0.2.0', prefixBits: 24 } },
    ],
  }
  const rules = { allow: [rule('a', some, any)] }
  assert.equal(decide(rules, question('GET', '/', [other])), 'allowed a')
  assert.equal(decide(rules, question('GET', '/', ['spiffe://friend/x'])), 'allowed a')
  assert.equal(decide(rules, { ...question('GET', '/', []), address: '192.0.2.9' }), 'allowed a')
  assert.equal(decide(rules, question('GET', '/', ['spiffe://cluster.local/ns/web/sa/fron'])), 'denied')
})

test('ports, methods, headers and what is excluded', () => {
  const reads = and(
    { type: 'port', port: 8080 },
    { type: 'or', conditions: [method('GET'), method('HEAD')] },
    {
      type: 'not',
      condition: path('/private/**'),
    },
  )
  const rules = { allow: [rule('a', any, reads)] }
  assert.equal(decide(rules, question('HEAD', '/x')), 'allowed a')
  assert.equal(decide(rules, question('POST', '/x')), 'denied')
  assert.equal(decide(rules, question('GET', '/private/x')), 'denied')
  assert.equal(decide(rules, { ...question('GET', '/x'), port: 9090 }), 'denied')
})

test('what is not known of plain bytes makes no allow, but a deny, with "not" in front as well', () => {
  const { head, ...bytes } = question('GET', '/')
  assert.ok(head)
  for (const permission of [method('GET'), { type: 'not', condition: method('GET') } as const]) {
    assert.equal(decide({ allow: [rule('a', any, permission)] }, bytes), 'denied')
    assert.equal(decide({ deny: [rule('d', any, permission)] }, bytes), 'denied d')
    assert.equal(decide({ deny: [rule('d', caller(other), permission)] }, bytes), 'allowed')
    assert.equal(decide({ deny: [rule('d', any, and({ type: 'port', port: 1 }, permission))] }, bytes), 'allowed')
  }
  assert.equal(decide({ allow: [rule('a', any, { type: 'port', port: 8080 })] }, bytes), 'allowed a')
})

test('audits are told and decide nothing', () => {
  const table = new AccessTable({ deny: [], audit: [rule('w', any, method('DELETE'))] })
  assert.equal(table.audit(question('DELETE', '/')), 'w')
  assert.equal(table.audit(question('GET', '/')), '')
  assert.deepEqual(table.decide(question('DELETE', '/')), { isAllowed: true, rule: '' })
})

test('the trace names near misses and does not change the verdict', () => {
  const table = new AccessTable({
    deny: [rule('d', caller(other), any)],
    allow: [rule('a', caller(web), and(method('POST'), path('/orders/{id}'))), rule('b', any, method('GET'))],
    audit: [],
  })
  const trace: AccessTraceEntry[] = []
  const asked = question('GET', '/orders/7')
  assert.deepEqual(table.decide(asked, trace), table.decide(asked))
  assert.deepEqual(trace, [
    { action: 'deny', rule: 'd', isMatch: false, misses: ['caller'] },
    { action: 'allow', rule: 'a', isMatch: false, misses: ['method exact POST'] },
    { action: 'allow', rule: 'b', isMatch: true, misses: [] },
  ])
})

test('a rule that can not be read is no table', () => {
  const block: Principal = { type: 'address', block: { address: '10.0.0.0', prefixBits: 40 } }
  assert.throws(() => new AccessTable({ deny: [rule('d', block, any)], audit: [] }), RangeError)
  assert.throws(() => new AccessTable({ deny: [rule('d', any, path('/a*'))], audit: [] }), RangeError)
})
