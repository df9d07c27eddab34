import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { PathMatch, PathRewrite } from '#/model/route.ts'
import { loadRegex } from '#/proxy/route/regex.ts'
import { compilePathRewrite, rewritePath } from './path-rewrite.ts'

before(loadRegex)

const rewrite = (rewrite: PathRewrite, match: PathMatch, path: string): string =>
  rewritePath(compilePathRewrite(rewrite, match, 'test'), path)

// The table of HTTPPathModifier.replacePrefixMatch in Gateway API 1.4.
const table = [
  ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
  ['/foo', '/foo', '/xyz', '/xyz'],
  ['/foo/', '/foo', '/xyz', '/xyz/'],
  ['/foo/bar', '/foo', '', '/bar'],
  ['/foo/', '/foo', '', '/'],
  ['/foo', '/foo', '', '/'],
  ['/foo/', '/foo', '/', '/'],
  ['/foo', '/foo', '/', '/'],
] as const

for (const [path, prefix, value, expected] of table) {
  test(`prefix ${prefix} replaced by "${value}" makes ${expected} of ${path}`, () => {
    const match: PathMatch = { type: 'segment-prefix', value: prefix }
    assert.equal(rewrite({ type: 'prefix', value }, match, path), expected)
    assert.equal(rewrite({ type: 'prefix', value }, match, `${path}?q=/foo`), `${expected}?q=/foo`)
  })
}

test('the root prefix is put before the whole path', () => {
  const match: PathMatch = { type: 'segment-prefix', value: '/' }
  assert.equal(rewrite({ type: 'prefix', value: '/v2' }, match, '/users'), '/v2/users')
  assert.equal(rewrite({ type: 'prefix', value: '/' }, match, '/users'), '/users')
})

test('a prefix of characters is replaced as it stands', () => {
  assert.equal(rewrite({ type: 'prefix', value: '/b' }, { type: 'prefix', value: '/a' }, '/abc'), '/bbc')
})

test('a prefix rewrite of an exact or a pattern match replaces the whole path', () => {
  assert.equal(rewrite({ type: 'prefix', value: '/b' }, { type: 'exact', value: '/a' }, '/a?x'), '/b?x')
  assert.equal(rewrite({ type: 'prefix', value: '/b' }, { type: 'regex', value: '/a.*' }, '/abc'), '/b')
})

test('a full rewrite keeps the query unless it brings one', () => {
  const match: PathMatch = { type: 'segment-prefix', value: '/' }
  assert.equal(rewrite({ type: 'full', value: '/new' }, match, '/old/path?a=1&b'), '/new?a=1&b')
  assert.equal(rewrite({ type: 'full', value: '/new?fixed' }, match, '/old?a=1'), '/new?fixed')
  assert.equal(rewrite({ type: 'full', value: '' }, match, '/old'), '/')
})

test('a pattern rewrites every piece that matches, with groups', () => {
  const match: PathMatch = { type: 'segment-prefix', value: '/' }
  const swap: PathRewrite = { type: 'regex', pattern: '^/service/([^/]+)(/.*)$', substitution: '\\2/instance/\\1' }
  assert.equal(rewrite(swap, match, '/service/foo/v1/api?q=/service/x/y'), '/v1/api/instance/foo?q=/service/x/y')
  const all: PathRewrite = { type: 'regex', pattern: 'one', substitution: 'two$1\\\\' }
  assert.equal(rewrite(all, match, '/xxx/one/yyy/one'), '/xxx/two$1\\/yyy/two$1\\')
})

test('the asterisk of OPTIONS and the empty path of CONNECT stay', () => {
  const match: PathMatch = { type: 'segment-prefix', value: '/' }
  assert.equal(rewrite({ type: 'full', value: '/x' }, match, '*'), '*')
  assert.equal(rewrite({ type: 'full', value: '/x' }, match, ''), '')
})
