import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCsv } from './csv.ts'

test('quotes what needs it, and makes no formulas', () => {
  const rows = [
    ['plain', 3],
    ['a, "b"', -1],
    ['=HYPERLINK("x")', 0],
    ['line\nbreak', 0],
  ]
  assert.equal(
    formatCsv(['NAME', 'N'], rows),
    'NAME,N\r\nplain,3\r\n"a, ""b""",-1\r\n"\'=HYPERLINK(""x"")",0\r\n"line\nbreak",0\r\n',
  )
})
