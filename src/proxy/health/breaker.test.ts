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
  assert.equal(breaker.hasRetries, false)
  assert.equal(breaker.acquire(true), 'retries')
  assert.equal(breaker.acquire(false), '')
  assert.equal(breaker.acquire(false), 'requests')
  breaker.release(true)
  assert.equal(breaker.hasRetries, true)
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
