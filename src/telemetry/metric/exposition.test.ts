import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseFormat, expose, formatNumber } from './exposition.ts'
import type { Family } from './family.ts'
import { Registry } from './registry.ts'

const text = (families: Iterable<Family>, format?: 'prometheus' | 'openmetrics') =>
  [...expose(families, format)].join('')

function sampleRegistry(): Registry {
  const registry = new Registry()
  const requests = registry.meters({ name: 'x_total', help: 'Things.', type: 'counter', labelNames: ['a', 'b'] })
  requests.with('1', 'two "quoted" \\ and\nbroken').add(3)
  requests.with('2', '').add(0.5)
  registry.gauge('y', 'A\nB\\C', () => Number.POSITIVE_INFINITY)
  registry.meters({ name: 'unused_total', help: 'Never seen.', type: 'counter' })
  return registry
}

test('the text format escapes values and help, and leaves families without samples out', () => {
  assert.equal(
    text(sampleRegistry().families),
    [
      '# HELP x_total Things.',
      '# TYPE x_total counter',
      'x_total{a="1",b="two \\"quoted\\" \\\\ and\\nbroken"} 3',
      'x_total{a="2",b=""} 0.5',
      '# HELP y A\\nB\\\\C',
      '# TYPE y gauge',
      'y +Inf',
      '',
    ].join('\n'),
  )
})

test('OpenMetrics names counters without _total and ends with EOF', () => {
  const lines = text(sampleRegistry().families, 'openmetrics').split('\n')
  assert.ok(lines.includes('# TYPE x counter'))
  assert.ok(lines.includes('x_total{a="2",b=""} 0.5'))
  assert.deepEqual(lines.slice(-2), ['# EOF', ''])
})

test('the scraper chooses the format', () => {
  assert.equal(chooseFormat(undefined), 'prometheus')
  assert.equal(chooseFormat('text/plain'), 'prometheus')
  assert.equal(
    chooseFormat('application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3'),
    'openmetrics',
  )
})

test('a long exposition comes in pieces', () => {
  const registry = new Registry()
  const family = registry.meters({
    name: 'many_total',
    help: 'Many.',
    type: 'counter',
    labelNames: ['n'],
    seriesMax: 5000,
  })
  for (let i = 0; i < 5000; i++) family.with(String(i)).add(1)
  const pieces = [...expose(registry.families)]
  assert.ok(pieces.length > 3)
  assert.ok(pieces.every(({ length }) => length < 20_000))
  assert.equal(pieces.join('').split('\n').length, 5003)
})

test('numbers are written so that Prometheus reads them', () => {
  assert.deepEqual([0, 1.5, 1e21, Number.NaN, Number.NEGATIVE_INFINITY, 12345678901].map(formatNumber), [
    '0',
    '1.5',
    '1e+21',
    'NaN',
    '-Inf',
    '12345678901',
  ])
})

test('a registry refuses a name that is taken or illegal, and a counter without _total', () => {
  const registry = new Registry()
  registry.gauge('a', 'A.', () => 1)
  assert.throws(() => registry.gauge('a', 'A.', () => 1), /twice/)
  assert.throws(() => registry.gauge('a-b', 'A.', () => 1), /legal/)
  assert.throws(() => registry.meters({ name: 'a_count', help: 'A.', type: 'counter' }), /_total/)
})

test('series beyond the limit are one', () => {
  const family = new Registry().meters({
    name: 'n_total',
    help: 'N.',
    type: 'counter',
    labelNames: ['a'],
    seriesMax: 2,
  })
  for (let i = 0; i < 10; i++) family.with(`v${i}`).add(1)
  assert.deepEqual(
    [...family.samples()].map(({ labels, value }) => [labels[1], value]),
    [
      ['v0', 1],
      ['v1', 1],
      ['overflow', 8],
    ],
  )
})
