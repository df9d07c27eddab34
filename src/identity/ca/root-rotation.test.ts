import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  abortRotation,
  advanceRotation,
  beginRotation,
  type RootRotation,
  type RotationStep,
  trustedRoots,
} from './root-rotation.ts'

const done = { unacknowledged: [], oldLeaves: [] }

function expectRotation(step: RotationStep): RootRotation {
  assert.ok(step.ok, step.ok ? '' : step.reason)
  return step.rotation
}

test('a rotation goes through its phases; what signs is always trusted, and trusted before it signs', () => {
  let rotation: RootRotation = { phase: 'stable', root: 'a' }
  const seen = [trustedRoots(rotation)]
  rotation = expectRotation(beginRotation(rotation, 'b'))
  seen.push(trustedRoots(rotation))
  for (let i = 0; i < 3; i++) {
    rotation = expectRotation(advanceRotation(rotation, done))
    seen.push(trustedRoots(rotation))
  }
  assert.deepEqual(seen, [['a'], ['a', 'b'], ['b', 'a'], ['b'], ['b']])
  assert.deepEqual(rotation, { phase: 'stable', root: 'b' })
  for (let i = 1; i < seen.length; i++) assert.ok(seen[i - 1]!.includes(seen[i]![0]), 'it signs before all trust it')
})

test('no step is taken while a proxy has not acknowledged, and it is named', () => {
  for (const rotation of [
    { phase: 'spreading', old: 'a', next: 'b' },
    { phase: 'signing', old: 'a', next: 'b' },
    { phase: 'withdrawing', root: 'b' },
  ] as RootRotation[]) {
    const step = advanceRotation(rotation, { unacknowledged: ['cart-1.shop'], oldLeaves: [] })
    assert.match(step.ok ? '' : step.reason, /cart-1\.shop/)
  }
})

test('the old root is not withdrawn while a leaf of it is shown', () => {
  const step = advanceRotation(
    { phase: 'signing', old: 'a', next: 'b' },
    { unacknowledged: [], oldLeaves: ['cart-1.shop'] },
  )
  assert.match(step.ok ? '' : step.reason, /cart-1\.shop still/)
})

test('only what is spreading can be given up, and only one rotation runs at a time', () => {
  const spreading: RootRotation = { phase: 'spreading', old: 'a', next: 'b' }
  assert.deepEqual(expectRotation(abortRotation(spreading)), { phase: 'stable', root: 'a' })
  assert.equal(abortRotation({ phase: 'signing', old: 'a', next: 'b' }).ok, false)
  assert.equal(beginRotation(spreading, 'c').ok, false)
  assert.equal(advanceRotation({ phase: 'stable', root: 'a' }, done).ok, false)
})
