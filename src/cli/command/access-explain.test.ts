import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli } from '../testing/run-cli.ts'

const example = ['-f', 'examples/access/mesh']
const explain = (...words: string[]) => runCli(['access', 'explain', ...example, ...words])

test('names the rule that allows', async () => {
  const { code, output } = await explain('--from', 'shop/web', '--to', 'orders.shop', 'GET', '/orders/7')
  assert.equal(code, 0)
  assert.match(output, /^ALLOWED {2}spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web → orders\.shop: GET \/orders\/7/)
  assert.match(output, /because {2}AccessPolicy\/shop\/orders rule 0 allows it/)
})

test('names near misses of what no rule allows, and who audits it', async () => {
  const { code, output } = await explain('--from', 'shop/web', '--to', 'orders.shop', 'DELETE', '/orders/7')
  assert.equal(code, 1)
  assert.match(output, /no rule allows it \(no_rule_allows\)/)
  assert.match(output, /nearly {3}AccessPolicy\/shop\/orders rule 0 allows it, but for its method exact GET/)
  assert.match(output, /audited {2}AccessPolicy\/shop\/changes rule 0/)
})

test('names the rule that denies, by the path as rules see it', async () => {
  const { code, output } = await explain('--from', 'shop/web', '--to', 'orders.shop', 'GET', '/orders/%2e%2e/internal')
  assert.equal(code, 1)
  assert.match(output, /AccessPolicy\/shop\/internals rule 0 denies it \(access_denied\)/)
  assert.match(output, /path {5}\/internal as rules see it/)
})

test('tells JSON to programs', async () => {
  const { output } = await explain('--to', 'db.shop:5432', '-o', 'json')
  const [verdict] = JSON.parse(output)
  assert.deepEqual(
    [verdict.isAllowed, verdict.code, verdict.workload, verdict.port],
    [false, 'no_rule_allows', 'shop/db', 5432],
  )
})

test('says what there is when the Service, its port or the caller is none', async () => {
  const wrong: [string[], RegExp][] = [
    [['--to', 'order.shop', 'GET', '/'], /there is no Service order\.shop; there are: .*orders\.shop/],
    [['--to', 'orders.shop:81', 'GET', '/'], /no such port; it has: 80, 9090/],
    [['--to', 'orders.shop', '--from', 'web', 'GET', '/'], /web is no service account/],
    [['--to', 'orders.shop', 'GET', 'orders'], /is no path/],
    [['GET', '/'], /what is called/],
  ]
  for (const [words, text] of wrong) {
    const { code, errors } = await explain(...words)
    assert.equal(code, 2)
    assert.match(errors, text)
  }
})

test('the example is as its own file of expectations says', async () => {
  const { code, output } = await runCli(['access', 'test', 'examples/access/test.yaml'])
  assert.equal(output, '11 of 11 as expected\n')
  assert.equal(code, 0)
})

test('a test that fails says what was expected, what was, and what nearly matched', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-access-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const mesh = join(process.cwd(), 'examples/access/mesh')
  const file = join(folder, 'test.yaml')
  const tests = [
    { from: 'shop/web', to: 'orders.shop', request: 'PUT /orders/7', expect: 'allowed' },
    {
      from: 'shop/web',
      to: 'orders.shop',
      request: 'GET /orders',
      expect: 'allowed',
      rule: 'AccessPolicy/shop/x rule 0',
    },
    { from: 'shop/web', to: 'nobody.shop', request: 'GET /', expect: 'denied' },
    { to: 'web.shop', request: 'GET /', expect: 'allowed' },
  ]
  writeFileSync(file, JSON.stringify({ files: [mesh], tests }))
  const { code, output } = await runCli(['access', 'test', file])
  assert.equal(code, 1)
  assert.match(
    output,
    /expected {2}allowed\n {2}was {7}denied, no_rule_allows, audited by AccessPolicy\/shop\/changes rule 0/,
  )
  assert.match(output, /nearly {4}AccessPolicy\/shop\/orders rule 0, but for its method/)
  assert.match(
    output,
    /expected {2}allowed, by AccessPolicy\/shop\/x rule 0\n {2}was {7}allowed, by AccessPolicy\/shop\/orders rule 0/,
  )
  assert.match(output, /problem {3}there is no Service nobody\.shop/)
  assert.match(output, /1 of 4 as expected\n$/)
})

test('a file of expectations that is none is told by field', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-access-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'test.yaml')
  writeFileSync(file, 'files: [x]\ntests: [{ to: a.b, expect: maybe, requst: GET / }]\n')
  const { code, errors } = await runCli(['access', 'test', file])
  assert.equal(code, 2)
  assert.match(errors, /tests\.0\.expect/)
  assert.match(errors, /requst/)
})
