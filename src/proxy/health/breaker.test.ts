import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LimitTable, newLimitTable } from '#/proxy/thread/limit-table.ts'
import { Breaker } from './breaker.ts'

test('as many requests as allowed may be under way, and one that ends makes room', () => {
  const breaker = new Breaker({ requestsMax: 2 }, { cluster: 'a' })
  assert.deepEqual([breaker.acquire(false), breaker.acquire(false), breaker.acquire(false)], ['', '', 'requests'])
  breaker.release(false)
  assert.equal(breaker.acquire(true), '')
})

test('retries have a limit of their own, and one that is refused takes no request', () => {
  const breaker = new Breaker({ requestsMax: 2, retriesMax: 1 }, { cluster: 'a' })
  assert.equal(breaker.acquire(true), '')
  assert.equal(breaker.takeRetry(), false)
  assert.equal(breaker.acquire(true), 'retries')
  assert.equal(breaker.acquire(false), '')
  assert.equal(breaker.acquire(false), 'requests')
  breaker.release(true)
  assert.equal(breaker.takeRetry(), true)
  assert.equal(breaker.acquire(true), 'retries', 'it counts before it begins')
  breaker.dropRetry()
  assert.equal(breaker.takeRetry(), true)
})

test('a budget of retries grows with the requests under way, and is never below its least', () => {
  const breaker = new Breaker({ retryBudget: { percent: 25, attemptsMin: 1 } }, { cluster: 'a' })
  assert.equal(breaker.acquire(true), '')
  assert.equal(breaker.acquire(true), 'retries')
  for (let i = 0; i < 7; i++) assert.equal(breaker.acquire(false), '')
  assert.equal(breaker.acquire(true), '', 'a quarter of nine is two')
  assert.equal(breaker.takeRetry(), false)
  breaker.release(true)
  breaker.release(true)
  for (let i = 0; i < 4; i++) breaker.release(false)
  assert.equal(breaker.acquire(true), '', 'one in any case')
  assert.equal(breaker.acquire(true), 'retries')
})

test('event loops have one budget of retries together', () => {
  const shape = newLimitTable(2)
  const limits = { retryBudget: { percent: 50, attemptsMin: 0 } }
  const [one, other] = [0, 1].map((loop) => new Breaker(limits, { cluster: 'a', table: new LimitTable(shape, loop) }))
  assert.deepEqual([one!.acquire(false), other!.acquire(false)], ['', ''])
  assert.equal(one!.acquire(true), '', 'half of three is one')
  assert.equal(other!.acquire(true), '', 'half of four is two')
  assert.equal(one!.acquire(true), 'retries')
  for (const [breaker, isRetry] of [
    [one, true],
    [other, true],
    [one, false],
    [other, false],
  ] as const)
    breaker!.release(isRetry)
})

test('event loops share the limit, and a loop that is done with it leaves its row', () => {
  const shape = newLimitTable(2)
  const [one, other] = [0, 1].map(
    (loop) => new Breaker({ requestsMax: 3 }, { cluster: 'a', table: new LimitTable(shape, loop) }),
  )
  assert.deepEqual([one!.acquire(false), one!.acquire(false), other!.acquire(false)], ['', '', ''])
  assert.equal(other!.acquire(false), 'requests')
  one!.close()
  // What it had taken counts until it is given back.
  assert.equal(other!.acquire(false), 'requests')
  one!.release(false)
  assert.equal(other!.acquire(false), '')
  one!.release(false)
  const next = new Breaker({ requestsMax: 3 }, { cluster: 'a', table: new LimitTable(shape, 0) })
  assert.equal(next.acquire(false), '')
})
