import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RouteConfigurationError } from './regex.ts'
import { compileRoutes, prepareRoutes } from './route-table.ts'
import { buildConfiguration, buildHost, buildPath, buildRoute } from './testing/route-builder.ts'

const tableOf = (...domains: string[][]) =>
  compileRoutes(buildConfiguration(...domains.map((list) => buildHost([], list))))
const found = (table: ReturnType<typeof tableOf>, authority: string) => table.findHost(authority)?.virtualHost.name

test('exact names come before suffixes, suffixes before prefixes, prefixes before the star', () => {
  const table = tableOf(['*'], ['www.*'], ['*.foo.com'], ['www.foo.com'])
  assert.equal(found(table, 'www.foo.com'), 'www.foo.com')
  assert.equal(found(table, 'web.foo.com'), '*.foo.com')
  assert.equal(found(table, 'www.bar.com'), 'www.*')
  assert.equal(found(table, 'bar.com'), '*')
})

test('the longest wildcard wins, whatever the order', () => {
  const table = tableOf(['*.com'], ['*.foo.com'], ['*-bar.foo.com'], ['a.*'], ['a.b.*'])
  assert.equal(found(table, 'x-bar.foo.com'), '*-bar.foo.com')
  assert.equal(found(table, 'x.foo.com'), '*.foo.com')
  assert.equal(found(table, 'x.com'), '*.com')
  assert.equal(found(table, 'a.b.c'), 'a.b.*')
  assert.equal(found(table, 'a.x'), 'a.*')
})

test('a wildcard stands for at least one character', () => {
  const table = tableOf(['*.foo.com'], ['foo.*'])
  assert.equal(found(table, '.foo.com'), undefined)
  assert.equal(found(table, 'foo.com'), 'foo.*')
  assert.equal(found(table, 'foo.'), undefined)
})

test('case does not count', () => {
  const table = tableOf(['Reviews.Shop'], ['*.FOO.com'])
  assert.equal(found(table, 'REVIEWS.shop'), 'Reviews.Shop')
  assert.equal(found(table, 'Web.Foo.Com'), '*.FOO.com')
})

test('a domain with the very port comes first, then the name without it', () => {
  const table = tableOf(['reviews.shop:80'], ['reviews.shop'], ['*.bar'], ['[::1]'], ['*.baz:81'])
  assert.equal(found(table, 'reviews.shop:80'), 'reviews.shop:80')
  assert.equal(found(table, 'reviews.shop:81'), 'reviews.shop')
  assert.equal(found(table, 'reviews.shop'), 'reviews.shop')
  assert.equal(found(table, 'x.bar:8080'), '*.bar')
  assert.equal(found(table, '[::1]:8080'), '[::1]')
  assert.equal(found(table, '[::1]'), '[::1]')
  assert.equal(found(table, 'x.baz:81'), '*.baz:81')
  assert.equal(found(table, 'x.baz'), undefined)
})

test('no authority (HTTP/1.0) finds the star alone', () => {
  assert.equal(found(tableOf(['a'], ['*.b']), ''), undefined)
  assert.equal(found(tableOf(['a'], ['*']), ''), '*')
})

test('of two hosts with the same domain the first is taken', () => {
  const table = compileRoutes(buildConfiguration(buildHost([buildRoute('first')], ['a']), buildHost([], ['A'])))
  assert.equal(table.findHost('a')?.routes.length, 1)
})

test('a pattern needs the engine, and a bad one is a fault that names route and field', async () => {
  const withPattern = (pattern: string) =>
    buildConfiguration(buildHost([buildRoute('broken', { path: buildPath('regex', pattern) })]))
  await prepareRoutes(buildConfiguration(buildHost([buildRoute('plain')])))
  assert.throws(() => compileRoutes(withPattern('/a')), /await prepareRoutes/)
  await prepareRoutes(withPattern('/a'))
  assert.ok(compileRoutes(withPattern('/a')))
  assert.throws(
    () => compileRoutes(withPattern('/(')),
    (error) => error instanceof RouteConfigurationError && /^route broken: match.path: .*missing/.test(error.message),
  )
})
