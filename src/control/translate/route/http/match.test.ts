import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesOf } from './match.ts'

test('takes the first of several header matches with one name, whatever its case', () => {
  const [match] = matchesOf([
    {
      headers: [
        { name: 'X-User', value: 'anna' },
        { name: 'x-user', value: 'bert' },
        { name: 'other', value: 'x' },
      ],
    },
  ])
  assert.deepEqual(
    match?.headers.map(({ name, value }) => `${name}=${value}`),
    ['x-user=anna', 'other=x'],
  )
})

test('compares names of query parameters exactly', () => {
  const [match] = matchesOf([
    {
      queryParams: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
        { name: 'A', value: '3' },
      ],
    },
  ])
  assert.deepEqual(
    match?.query.map(({ name, value }) => `${name}=${value}`),
    ['a=1', 'A=3'],
  )
})

test('drops the slash at the end of a prefix but not of the root or of an exact path', () => {
  const paths = (['PathPrefix', 'Exact'] as const).flatMap((type) =>
    matchesOf([{ path: { type, value: '/a/' } }, { path: { type, value: '/' } }]).map(({ path }) => path.value),
  )
  assert.deepEqual(paths, ['/a', '/', '/a/', '/'])
})
