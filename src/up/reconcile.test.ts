import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { type ReplicaState, reconcile } from './reconcile.ts'

const replica = (pod: string, hash: string, isReady = true): ReplicaState => ({ pod, hash, isReady })

test('missing replicas are all started at once', () => {
  assert.deepEqual(reconcile({ hash: 'a', replicas: 3, running: [] }), { start: 3, drain: [] })
  assert.deepEqual(reconcile({ hash: 'a', replicas: 3, running: [replica('x', 'a', false)] }), { start: 2, drain: [] })
})

test('a change starts one new replica and lets no old one go before it is ready', () => {
  const old = [replica('x', 'a'), replica('y', 'a')]
  assert.deepEqual(reconcile({ hash: 'b', replicas: 2, running: old }), { start: 1, drain: [] })
  const coming = [...old, replica('z', 'b', false)]
  assert.deepEqual(reconcile({ hash: 'b', replicas: 2, running: coming }), { start: 0, drain: [] })
  const come = [...old, replica('z', 'b')]
  assert.deepEqual(reconcile({ hash: 'b', replicas: 2, running: come }), { start: 0, drain: ['x'] })
})

test('old replicas that are not ready make room at once', () => {
  const running = [replica('x', 'a', false), replica('y', 'a')]
  assert.deepEqual(reconcile({ hash: 'b', replicas: 2, running }).drain, ['x'])
})

test('with fewer wanted, those that are not ready go first, then the youngest', () => {
  const running = [replica('x', 'a'), replica('y', 'a', false), replica('z', 'a')]
  assert.deepEqual(reconcile({ hash: 'a', replicas: 1, running }).drain, ['y', 'z'])
  assert.deepEqual(reconcile({ hash: 'a', replicas: 0, running }).drain.length, 3)
})

test('whatever the order of events, a change ends with the wanted replicas, and as many as wanted stay ready', () => {
  const seed = Math.floor(performance.now() * 1000)
  const random = seededRandom(seed)
  for (let round = 0; round < 200; round++) {
    const before = pickIndex(random, 5)
    const replicas = pickIndex(random, 5)
    let running = Array.from({ length: before }, (_, i) => replica(`old-${i}`, 'a'))
    const least = Math.min(before, replicas)
    for (let step = 0, made = 0; ; step++) {
      assert.ok(step < 100, `no end, seed ${seed}`)
      const { start, drain } = reconcile({ hash: 'b', replicas, running })
      running = running.filter(({ pod }) => !drain.includes(pod))
      const ready = running.filter((one) => one.isReady).length
      assert.ok(ready >= least, `only ${ready} of ${least} are ready, seed ${seed}`)
      for (let i = 0; i < start; i++) running.push(replica(`new-${made++}`, 'b', false))
      const coming = running.filter((one) => !one.isReady)
      if (start === 0 && drain.length === 0 && coming.length === 0) break
      if (coming.length > 0) coming[pickIndex(random, coming.length)]!.isReady = true
    }
    assert.equal(running.length, replicas, `seed ${seed}`)
    assert.ok(
      running.every(({ hash }) => hash === 'b'),
      `seed ${seed}`,
    )
  }
})
