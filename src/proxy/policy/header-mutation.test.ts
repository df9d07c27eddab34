import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyMutation, compileMutation, mutatedAuthority } from './header-mutation.ts'

const mutate = (mutation: { set?: string[]; add?: string[]; remove?: string[] }, headers: string[]): string[] => {
  const pairs = (flat: string[] = []) =>
    Array.from({ length: flat.length / 2 }, (_, i) => ({ name: flat[2 * i]!, value: flat[2 * i + 1]! }))
  const compiled = compileMutation({
    set: pairs(mutation.set),
    add: pairs(mutation.add),
    remove: mutation.remove ?? [],
  })
  assert.ok(compiled)
  applyMutation(compiled, headers)
  return headers
}

test('an empty mutation compiles to nothing', () => {
  assert.equal(compileMutation(undefined), undefined)
  assert.equal(compileMutation({ set: [], add: [], remove: [] }), undefined)
})

test('set replaces every field of the name and keeps the place of the first', () => {
  assert.deepEqual(mutate({ set: ['a', '9'] }, ['a', '1', 'b', '2', 'a', '3', 'a', '4']), ['a', '9', 'b', '2'])
  assert.deepEqual(mutate({ set: ['a', '9'] }, ['b', '2']), ['b', '2', 'a', '9'])
})

test('add keeps the fields that are there', () => {
  assert.deepEqual(mutate({ add: ['a', '2', 'a', '3'] }, ['a', '1']), ['a', '1', 'a', '2', 'a', '3'])
})

test('removes, then sets, then adds', () => {
  assert.deepEqual(mutate({ remove: ['a'], set: ['a', '2'], add: ['a', '3'] }, ['a', '1', 'A', 'x']), [
    'A',
    'x',
    'a',
    '2',
    'a',
    '3',
  ])
})

test('remove takes every field of the name and no other', () => {
  assert.deepEqual(mutate({ remove: ['a', 'c'] }, ['a', '1', 'b', '2', 'a', '3', 'c', '4']), ['b', '2'])
})

test('names are lower-cased when compiled', () => {
  assert.deepEqual(mutate({ set: ['X-Y', '1'], remove: ['Z'] }, ['z', '0']), ['x-y', '1'])
})

test('framing fields are never written into the list, and a host that is set is told apart', () => {
  assert.deepEqual(mutate({ set: ['host', 'h', 'content-length', '5'], add: ['transfer-encoding', 'chunked'] }, []), [])
  const compiled = compileMutation({ set: [{ name: 'Host', value: 'other' }], add: [], remove: [] })
  assert.equal(mutatedAuthority(compiled!), 'other')
  assert.equal(mutatedAuthority({ set: ['x', 'y'], add: [], remove: [] }), undefined)
})
