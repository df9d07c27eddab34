import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AccessRule, type AccessRules, type Permission, parametersRuleName } from '#/model/access.ts'
import { AccessTable } from '#/proxy/policy/access/access-table.ts'
import { seededRandom } from '#/std/random.ts'
import { allOf, always, atPort, looksAtPaths, never, notOf, ofConnection, oneOf } from './condition.ts'

const port = (number: number): Permission => ({ type: 'port', port: number })
const pathOf = (value: string): Permission => ({ type: 'path', match: { type: 'exact', value } })
const path = pathOf('/a')
const rule = (permission: Permission, name = 'rule'): AccessRule => ({ name, principal: always, permission })

test('what holds always or never is not asked', () => {
  assert.deepEqual(allOf([path, always, always]), path)
  assert.deepEqual(allOf([path, never]), never)
  assert.deepEqual(allOf([]), always)
  assert.deepEqual(oneOf([path, never, path]), path)
  assert.deepEqual(oneOf([path, always]), always)
  assert.deepEqual(oneOf([]), never)
  assert.deepEqual(notOf(notOf(path)), path)
  assert.deepEqual(notOf(always), never)
})

test('at a port nothing asks for ports, and rules for others are gone', () => {
  const rules: AccessRules = {
    deny: [rule(allOf([port(80), path])), rule(port(81))],
    allow: [rule(notOf(port(80))), rule(notOf(port(81)))],
    audit: [],
  }
  assert.deepEqual(atPort(rules, 80), { deny: [rule(path)], allow: [rule(always)], audit: [] })
})

test('a connection is not refused for the parameters of a path that it has not', () => {
  const rules: AccessRules = { deny: [rule(path, parametersRuleName)], allow: [rule(always)], audit: [rule(path)] }
  assert.deepEqual(ofConnection(rules), { deny: [], allow: [rule(always)], audit: [] })
  assert.ok(new AccessTable(rules).decide({ principals: [], address: '', port: 1 }).isAllowed)
  assert.ok(looksAtPaths(rules))
})

test('what is settled for connections decides as the proxy does with what it can not know', () => {
  const seed = Date.now() % 100_000
  const random = seededRandom(seed)
  const pick = (max: number): number => Math.floor(random() * max)
  const permission = (depth: number): Permission => {
    const kind = pick(depth > 3 ? 3 : 6)
    if (kind < 2) return port(pick(2))
    if (kind === 2) return path
    if (kind === 3) return { type: 'not', condition: permission(depth + 1) }
    return { type: kind === 4 ? 'and' : 'or', conditions: [permission(depth + 1), permission(depth + 1)] }
  }
  for (let round = 0; round < 500; round++) {
    const some = (): AccessRule[] => Array.from({ length: pick(3) }, (_, index) => rule(permission(0), `rule ${index}`))
    const rules: AccessRules = { deny: some(), allow: some(), audit: some() }
    for (const number of [0, 1]) {
      const question = { principals: [], address: '', port: number }
      const whole = new AccessTable(rules)
      const settled = new AccessTable(ofConnection(rules))
      const folded = new AccessTable(ofConnection(atPort(rules, number)))
      for (const table of [settled, folded]) {
        assert.deepEqual(table.decide(question), whole.decide(question), `seed ${seed}`)
        assert.equal(table.audit(question), whole.audit(question), `seed ${seed}`)
      }
    }
  }
})
