import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { hasColor } from './color.ts'
import { formatData } from './data.ts'
import { formatTable } from './table.ts'

const columns = [
  { title: 'NAME', cell: ({ name }: { name: string }) => name },
  { title: 'EMPTY', cell: () => '' },
  { title: 'COUNT', isRight: true, cell: ({ count }: { count?: number }) => String(count ?? '') },
]

test('columns are aligned, numbers to the right, and columns without content are left out', () => {
  const rows = [
    { name: 'cart', count: 7 },
    { name: 'storefront', count: 1234 },
  ]
  assert.equal(formatTable(columns, rows), 'NAME        COUNT\ncart            7\nstorefront   1234\n')
})

test('color takes no room', () => {
  const { red } = pc.createColors(true)
  const plain = formatTable(columns, [{ name: 'a', count: 1 }])
  const colored = formatTable([{ title: 'NAME', cell: () => red('a') }, columns[2]!], [{ name: 'a', count: 1 }])
  assert.equal(colored.replace(red('a'), 'a'), plain)
})

test('color is for terminals, and NO_COLOR forbids it', () => {
  assert.equal(hasColor(true, {}), true)
  assert.equal(hasColor(false, {}), false)
  assert.equal(hasColor(false, { FORCE_COLOR: '1' }), true)
  assert.equal(hasColor(true, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  assert.equal(hasColor(true, { TERM: 'dumb' }), false)
})

test('data keeps maps as objects and leaves out what is undefined', () => {
  const data = { a: new Map([['x', 1n]]), b: undefined, c: [null] }
  assert.deepEqual(JSON.parse(formatData(data, 'json')), { a: { x: '1' }, c: [null] })
  assert.equal(formatData(data, 'yaml'), 'a:\n  x: "1"\nc:\n  - null\n')
})
