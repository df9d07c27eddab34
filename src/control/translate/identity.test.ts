import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEqual, keepList, keepMap, perObject } from './identity.ts'

test('compares plain data deeply, an absent field like an undefined one', () => {
  assert.ok(isEqual({ a: [1, { b: 'x' }], c: undefined }, { a: [1, { b: 'x' }] }))
  assert.ok(isEqual(new Map([['a', [1]]]), new Map([['a', [1]]])))
  for (const [a, b] of [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [[1, 2], [1]],
    [[1], { 0: 1 }],
    [{ 0: 1 }, [1]],
    [new Map([['a', 1]]), new Map([['b', 1]])],
    [null, {}],
    ['1', 1],
  ]) {
    assert.ok(!isEqual(a, b), JSON.stringify([a, b]))
  }
})

test('keeps equal values of a map, and the map when all are', () => {
  const before = new Map([
    ['a', { n: 1 }],
    ['b', { n: 2 }],
  ])
  const same = new Map([
    ['a', { n: 1 }],
    ['b', { n: 2 }],
  ])
  assert.equal(keepMap(before, same), before)
  const changed = keepMap(
    before,
    new Map([
      ['a', { n: 1 }],
      ['b', { n: 3 }],
    ]),
  )
  assert.equal(changed.get('a'), before.get('a'))
  assert.deepEqual(changed.get('b'), { n: 3 })
  const shrunk = keepMap(before, new Map([['a', { n: 1 }]]))
  assert.notEqual(shrunk, before)
  assert.equal(shrunk.get('a'), before.get('a'))
})

test('a change of order alone is a change of the map, not of its values', () => {
  const before = new Map([
    ['a', { n: 1 }],
    ['b', { n: 2 }],
  ])
  const turned = keepMap(before, new Map([...before].reverse()))
  assert.notEqual(turned, before)
  assert.deepEqual([...turned.keys()], ['b', 'a'])
})

test('keeps equal items of a list by their key', () => {
  const before = [
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
  ]
  const keyOf = ({ id }: { id: string }) => id
  assert.equal(keepList(before, structuredClone(before), keyOf), before)
  const changed = keepList(
    before,
    [
      { id: 'b', n: 2 },
      { id: 'a', n: 9 },
    ],
    keyOf,
  )
  assert.equal(changed[0], before[1])
  assert.notEqual(changed[1], before[0])
})

test('reads an object once', () => {
  let reads = 0
  const read = perObject((_object: object) => ({ at: ++reads }))
  const object = {}
  assert.equal(read(object), read(object))
  assert.notEqual(read({}), read(object))
  assert.equal(reads, 2)
})
