import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLimits } from './limit-config.ts'
import { findLimit } from './limit-tree.ts'

const good = `domain: shop
descriptors:
  - key: path
    value: /login
    rate_limit: { unit: minute, requests_per_unit: 5 }
    descriptors:
      - key: user
        rate_limit: { unit: HOUR, requests_per_unit: 3, name: logins-of-a-user }
  - key: path
    rate_limit: { unit: second, requests_per_unit: 100 }
    shadow_mode: true
`

test('a named value goes before any value, and each descriptor has the limit of its last entry', () => {
  const { forest, faults } = readLimits(good)
  assert.deepEqual(faults, [])
  const limitOf = (...entries: [string, string][]) =>
    findLimit(
      forest.get('shop'),
      entries.map(([key, value]) => ({ key, value })),
    )
  assert.deepEqual(limitOf(['path', '/login']), {
    name: 'shop.path_/login',
    requests: 5,
    unit: 'minute',
    windowMs: 60_000,
    isShadow: false,
  })
  assert.equal(limitOf(['path', '/cart'])?.isShadow, true)
  assert.equal(limitOf(['path', '/login'], ['user', 'ada'])?.name, 'logins-of-a-user')
  assert.equal(limitOf(['path', '/cart'], ['user', 'ada']), undefined)
  assert.equal(limitOf(['user', 'ada']), undefined)
  assert.equal(limitOf(), undefined)
  assert.equal(findLimit(forest.get('bank'), [{ key: 'path', value: '/' }]), undefined)
})

const faulty: [what: string, text: string, line: number, field: string, message: RegExp][] = [
  ['an unknown unit', good.replace('minute', 'fortnight'), 5, 'descriptors[0].rate_limit.unit', /second/],
  ['an unknown key', good.replace('shadow_mode', 'shadow'), 9, 'descriptors[1]', /shadow/],
  ['a negative count', good.replace('100', '-1'), 10, 'descriptors[1].rate_limit.requests_per_unit', />=0/],
  ['a descriptor that stands there twice', good.replace('value: /login', ''), 9, 'descriptors[1].key', /twice/],
  ['a domain that stands there twice', `${good}---\n${good}`, 13, 'domain', /twice/],
  [
    'a shadow of nothing',
    'domain: a\ndescriptors:\n  - key: b\n    shadow_mode: true\n',
    4,
    'descriptors[0].shadow_mode',
    /no rate_limit/,
  ],
  ['YAML that is none', 'domain: [a\n', 2, '', /./],
  ['nothing at all', '\n', 1, '', /no domain/],
]

for (const [what, text, line, field, message] of faulty)
  test(`refuses ${what}, with its place`, () => {
    const { faults } = readLimits(text)
    assert.equal(faults.length, 1, JSON.stringify(faults))
    assert.deepEqual({ line: faults[0]!.line, field: faults[0]!.field }, { line, field })
    assert.match(faults[0]!.message, message)
  })
