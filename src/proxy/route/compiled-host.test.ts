import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { RequestHead } from '#/codec/message.ts'
import type { Route, RouteMatch } from '#/model/route.ts'
import { pickIndex, type Random, seededRandom } from '#/std/random.ts'
import { CompiledHost } from './compiled-host.ts'
import { DecisionTrace } from './decision-trace.ts'
import { loadRegex } from './regex.ts'
import { RouteIndex } from './route-index.ts'
import { measureMatch } from './route-table.bench.ts'
import { requestHead } from './testing/request-head.ts'
import { buildHost, buildPath, buildRoute, buildValue } from './testing/route-builder.ts'

before(loadRegex)

const matches = (match: Partial<RouteMatch>, head: Parameters<typeof requestHead>[0]): boolean =>
  new CompiledHost(buildHost([buildRoute('r', match)])).match(requestHead(head)) !== undefined

const paths: [Parameters<typeof buildPath>, string, boolean][] = [
  [['exact', '/foo'], '/foo', true],
  [['exact', '/foo'], '/foo?x=1', true],
  [['exact', '/foo'], '/foo/', false],
  [['exact', '/foo'], '/Foo', false],
  [['prefix', '/foo'], '/foobar', true],
  [['prefix', '/foo/'], '/foo', false],
  [['prefix', ''], '/any', true],
  [['segment-prefix', '/foo'], '/foo', true],
  [['segment-prefix', '/foo'], '/foo/', true],
  [['segment-prefix', '/foo'], '/foo/bar?x', true],
  [['segment-prefix', '/foo'], '/foo?x=/', true],
  [['segment-prefix', '/foo'], '/foobar', false],
  [['segment-prefix', '/foo/bar'], '/foo', false],
  [['segment-prefix', '/'], '/any', true],
  [['segment-prefix', '/'], '*', true],
  [['segment-prefix', '/'], '', true],
  [['regex', '/v[0-9]+/.*'], '/v12/users?x', true],
  [['regex', '/v[0-9]+'], '/v12/users', false],
  [['regex', 'v1'], '/v1', false],
]

for (const [[type, value], path, expected] of paths) {
  test(`${type} ${value || '(empty)'} ${expected ? 'takes' : 'leaves'} ${path || '(empty)'}`, () => {
    assert.equal(matches({ path: buildPath(type, value) }, { path }), expected)
  })
}

const headers: [Parameters<typeof buildValue>, string[], boolean][] = [
  [['x', 'exact', 'a'], ['x', 'a'], true],
  [['x', 'exact', 'a'], ['x', 'A'], false],
  [['x', 'exact', 'a'], [], false],
  [['x', 'exact', 'a,b'], ['x', 'a', 'y', '1', 'x', 'b'], true],
  [['x', 'exact', 'a'], ['x', 'a', 'x', 'b'], false],
  [['x', 'prefix', 'ab'], ['x', 'abc'], true],
  [['x', 'suffix', 'bc'], ['x', 'abc'], true],
  [['x', 'contains', 'b'], ['x', 'abc'], true],
  [['x', 'contains', 'z'], ['x', 'abc'], false],
  [['x', 'regex', 'a.*c'], ['x', 'abc'], true],
  [['x', 'regex', 'b'], ['x', 'abc'], false],
  [['x', 'present'], ['x', ''], true],
  [['x', 'present'], ['y', ''], false],
  [['x', 'present', '', true], ['y', ''], true],
  [['x', 'present', '', true], ['x', ''], false],
  [['x', 'exact', 'a', true], ['x', 'b'], true],
  [['x', 'exact', 'a', true], ['x', 'a'], false],
  [['x', 'exact', 'a', true], [], false],
]

for (const [value, list, expected] of headers) {
  test(`header condition ${JSON.stringify(value)} ${expected ? 'holds' : 'fails'} for ${JSON.stringify(list)}`, () => {
    assert.equal(matches({ headers: [buildValue(...value)] }, { headers: list }), expected)
  })
}

const heads: [Parameters<typeof buildValue>, Partial<RequestHead>, boolean][] = [
  [['host', 'exact', 'reviews.shop'], { authority: 'reviews.shop' }, true],
  [['host', 'exact', 'reviews.shop'], { authority: 'reviews.shop:80' }, false],
  [['host', 'regex', 'reviews[.].*'], { authority: 'reviews.shop:80' }, true],
  [['host', 'present'], { authority: '' }, false],
  [['host', 'exact', 'a', true], { authority: 'b' }, true],
  [[':authority', 'prefix', 'reviews.'], { authority: 'reviews.shop' }, true],
  [[':method', 'regex', 'GET|HEAD'], { method: 'HEAD' }, true],
  [[':method', 'exact', 'GET', true], { method: 'GET' }, false],
  [[':path', 'suffix', '?b'], { path: '/a?b' }, true],
  [[':scheme', 'exact', 'https'], { scheme: 'https' }, true],
  [['upgrade', 'exact', 'websocket'], { upgrade: 'websocket' }, true],
  [['upgrade', 'present'], { upgrade: '' }, false],
]

for (const [value, head, expected] of heads) {
  test(`header condition ${JSON.stringify(value)} ${expected ? 'holds' : 'fails'} for ${JSON.stringify(head)}`, () => {
    assert.equal(matches({ headers: [buildValue(...value)] }, head), expected)
  })
}

const queries: [Parameters<typeof buildValue>, string, boolean][] = [
  [['q', 'exact', 'a'], '/?q=a', true],
  [['q', 'exact', 'a'], '/?x=1&q=a&y', true],
  [['q', 'exact', 'a'], '/?qq=a', false],
  [['q', 'exact', 'a'], '/?xq=a', false],
  [['q', 'exact', 'a'], '/', false],
  [['q', 'exact', 'a'], '/q=a', false],
  [['q', 'exact', 'a'], '/?q=a&q=b', true],
  [['q', 'exact', 'b'], '/?q=a&q=b', false],
  [['q', 'exact', 'a b'], '/?q=a%20b', true],
  [['q', 'exact', 'a b'], '/?q=a+b', true],
  [['q', 'exact', 'ä='], '/?q=%C3%A4%3d', true],
  [['q', 'exact', '100%'], '/?q=100%', true],
  [['ä', 'exact', '1'], '/?%C3%A4=1', true],
  [['q', 'exact', 'a=b'], '/?q=a=b', true],
  [['q', 'exact', ''], '/?q', true],
  [['q', 'exact', ''], '/?q=', true],
  [['q', 'present'], '/?q', true],
  [['q', 'present'], '/?', false],
  [['q', 'present'], '/?&&q&', true],
  [['q', 'regex', '[0-9]+'], '/?q=12', true],
  [['q', 'regex', '[0-9]'], '/?q=12', false],
  [['q', 'exact', 'a/?b'], '/?q=a/?b', true],
]

for (const [value, path, expected] of queries) {
  test(`query condition ${JSON.stringify(value)} ${expected ? 'holds' : 'fails'} for ${path}`, () => {
    assert.equal(matches({ query: [buildValue(...value)] }, { path }), expected)
  })
}

test('all conditions must hold, and the method is one of them', () => {
  const match = {
    method: 'POST',
    headers: [buildValue('a', 'exact', '1'), buildValue('b', 'exact', '2')],
    query: [buildValue('q', 'present')],
  }
  const head = { method: 'POST', headers: ['a', '1', 'b', '2'], path: '/?q' }
  assert.equal(matches(match, head), true)
  assert.equal(matches(match, { ...head, method: 'GET' }), false)
  assert.equal(matches(match, { ...head, headers: ['a', '1'] }), false)
  assert.equal(matches(match, { ...head, path: '/' }), false)
})

test('a trace tells why each route before the winner lost, and no more', () => {
  const host = new CompiledHost(
    buildHost([
      buildRoute('path', { path: buildPath('exact', '/a') }),
      buildRoute('method', { method: 'POST' }),
      buildRoute('header', { headers: [buildValue('x', 'exact', 'blue')] }),
      buildRoute('query', { query: [buildValue('q', 'prefix', 'z', true)] }),
      buildRoute('winner'),
      buildRoute('never reached'),
    ]),
  )
  const trace = new DecisionTrace()
  assert.equal(host.match(requestHead({ path: '/b?q=zz' }), trace)?.route.name, 'winner')
  assert.deepEqual(
    trace.decisions.map(({ route, isMatch, field, expected, found }) => [route.name, isMatch, field, expected, found]),
    [
      ['path', false, 'path', 'exact /a', '/b'],
      ['method', false, 'method', 'POST', 'GET'],
      ['header', false, 'header x', 'exact blue', 'absent'],
      ['query', false, 'query q', 'not prefix z', 'zz'],
      ['winner', true, '', '', ''],
    ],
  )
})

const words = ['', 'a', 'b', 'ab', 'a/b', 'a/b/c', 'b/a', 'a/', 'ab/c', 'a/bc']
const pick = <T>(random: Random, list: readonly T[]): T => list[pickIndex(random, list.length)]!

function randomRoute(random: Random, name: string): Route {
  const type = pick(random, ['exact', 'prefix', 'segment-prefix', 'segment-prefix', 'regex'] as const)
  const word = pick(random, words)
  const value = type === 'segment-prefix' ? `/${word.replace(/\/$/, '')}` : type === 'regex' ? `/${word}.*` : `/${word}`
  return buildRoute(name, {
    path: buildPath(type, value),
    ...(random() < 0.3 && { method: 'POST' }),
    ...(random() < 0.3 && { headers: [buildValue('x', 'exact', '1')] }),
  })
}

test('the index finds what a scan from the front finds', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed)
    const routes = Array.from({ length: 1 + pickIndex(random, 30) }, (_, i) => randomRoute(random, `route ${i}`))
    const host = new CompiledHost(buildHost(routes))
    const index = new RouteIndex(host.routes)
    for (let i = 0; i < 30; i++) {
      const path = `/${pick(random, words)}${pick(random, ['', '/', '/x', 'x'])}`
      const head = requestHead({
        path: path + pick(random, ['', '?q']),
        method: pick(random, ['GET', 'POST']),
        headers: pick(random, [[], ['x', '1']]),
      })
      const scanned = host.match(head, new DecisionTrace())?.route.name
      const where = `seed ${seed}: ${head.method} ${path} in ${JSON.stringify(routes.map(({ match }) => match))}`
      assert.equal(index.match(head, path)?.route.name, scanned, where)
      assert.equal(host.match(head)?.route.name, scanned, where)
    }
  }
})

test('a thousand routes cost less than three times what ten cost', () => {
  const tenNs = measureMatch(10, 20_000)
  const thousandNs = measureMatch(1000, 20_000)
  assert.ok(thousandNs < 3 * tenNs + 200, `${thousandNs.toFixed(0)} ns against ${tenNs.toFixed(0)} ns`)
})
