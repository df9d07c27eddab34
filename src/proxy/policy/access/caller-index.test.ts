import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Combined, Principal } from '#/model/access.ts'
import { seededRandom } from '#/std/random.ts'
import { measureAccess } from './access-table.bench.ts'
import { AccessTable } from './access-table.ts'
import { CallerIndex } from './caller-index.ts'

const exact = (value: string): Principal => ({ type: 'authenticated', match: { type: 'exact', value } })
const prefix = (value: string): Principal => ({ type: 'authenticated', match: { type: 'prefix', value } })
const any = { type: 'any' } as const

function indexOf(...principals: Combined<Principal>[]) {
  return new CallerIndex([...principals.keys()], (rule) => principals[rule]!)
}

test('asks the rules that name a caller and those that name nobody, in their order', () => {
  const index = indexOf(exact('a'), any, exact('b'), { type: 'or', conditions: [exact('a'), exact('c')] }, prefix('b'))
  assert.deepEqual(index.rulesFor(['a']), [0, 1, 3, 4])
  assert.deepEqual(index.rulesFor(['b']), [1, 2, 4])
  assert.deepEqual(index.rulesFor(['x']), [1, 4])
  assert.deepEqual(index.rulesFor([]), [1, 4])
  assert.deepEqual(index.rulesFor(['a', 'dns']), [0, 1, 2, 3, 4])
})

test('what is excluded names nobody, and of several conditions the narrowest counts', () => {
  const index = indexOf({ type: 'not', condition: exact('a') }, { type: 'and', conditions: [prefix('x'), exact('a')] })
  assert.deepEqual(index.rulesFor(['a']), [0, 1])
  assert.deepEqual(index.rulesFor(['b']), [0])
})

test('no decision is another one than that of all rules', () => {
  const seed = Date.now() % 100_000
  const random = seededRandom(seed)
  const pick = (max: number): number => Math.floor(random() * max)
  const callers = ['a', 'ab', 'b', 'c']
  const principal = (depth: number): Combined<Principal> => {
    const kind = pick(depth > 2 ? 3 : 6)
    if (kind === 0) return exact(callers[pick(4)]!)
    if (kind === 1) return prefix(callers[pick(4)]!)
    if (kind === 2) return any
    if (kind === 3) return { type: 'not', condition: principal(depth + 1) }
    return { type: kind === 4 ? 'and' : 'or', conditions: [principal(depth + 1), principal(depth + 1)] }
  }
  for (let round = 0; round < 300; round++) {
    const rules = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `rule ${index}`, principal: principal(0), permission: any }))
    const table = new AccessTable({ deny: rules(pick(3)), allow: rules(pick(4)), audit: rules(pick(3)) })
    for (const principals of [[], ...callers.map((caller) => [caller])]) {
      const question = { principals, address: '', port: 1 }
      // With a trace every rule is asked.
      assert.deepEqual(table.decide(question), table.decide(question, []), `seed ${seed}`)
      assert.equal(table.audit(question), table.audit(question, []), `seed ${seed}`)
    }
  }
})

test('a hundred rules that name callers cost little more than one', () => {
  const once = (): number => measureAccess(0, 100, 20_000) / measureAccess(0, 1, 20_000)
  // On a busy machine one of three is undisturbed.
  assert.ok(Math.min(once(), once(), once()) < 3)
})
