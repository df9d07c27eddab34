import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PathPattern } from '#/model/access.ts'
import { CompiledPathPattern } from './path-pattern.ts'

const cases: [type: PathPattern['type'], value: string, path: string, isMatch: boolean][] = [
  ['exact', '/a', '/a', true],
  ['exact', '/a', '/a?x=/b', true],
  ['exact', '/a', '/ab', false],
  ['exact', '/a', '/a/', false],
  ['prefix', '/a/', '/a/b', true],
  ['prefix', '/a/', '/a?/', false],
  ['suffix', '.js', '/a/b.js?v=1', true],
  ['suffix', '.js', '/a?b.js', false],
  ['suffix', '/longer/than', '/than', false],
  ['template', '/users/{id}/orders', '/users/7/orders', true],
  ['template', '/users/{id}/orders', '/users//orders', false],
  ['template', '/users/{id}/orders', '/users/7/8/orders', false],
  ['template', '/users/{id}/orders', '/users/7/orders/', false],
  ['template', '/users/*', '/users/7?a=/b', true],
  ['template', '/users/*', '/users?a=/b', false],
  ['template', '/users/{id}/**', '/users/7/orders/9', true],
  ['template', '/users/{id}/**', '/users/7/', true],
  ['template', '/users/{id}/**', '/users/7', false],
  ['template', '/**', '/', true],
  ['template', '/users/{id}', '', false],
  ['template', '/users/{id}', '*', false],
  ['template', '/users/ab', '/users/abc', false],
]

for (const [type, value, path, isMatch] of cases)
  test(`${type} ${value} ${isMatch ? 'takes' : 'leaves'} ${JSON.stringify(path)}`, () => {
    assert.equal(new CompiledPathPattern({ type, value }).matches(path), isMatch)
  })

test('refuses what is no template', () => {
  for (const value of ['users', '', '/', '/a//b', '/**/a', '/a*', '/{a}b', '/{}', '/a/'])
    assert.throws(() => new CompiledPathPattern({ type: 'template', value }), RangeError, value)
})
