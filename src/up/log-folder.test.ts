import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { LogFolder, lastWords } from './log-folder.ts'

const path = mkdtempSync(join(tmpdir(), 'weft-logs-'))
after(() => rmSync(path, { recursive: true }))

test('a log that has grown beyond its size is kept once and begun anew', () => {
  const clock = new ManualClock()
  const logs = new LogFolder({ path, bytesMax: 10, clock })
  const file = logs.fileOf('shop', 'cart-0', 'access')
  assert.equal(file, join(path, 'shop_cart-0.access.log'))
  appendFileSync(file, 'too long a line')
  appendFileSync(logs.fileOf('control'), 'short')
  logs.start()
  clock.advance(10_000)
  assert.equal(statSync(file).size, 0)
  assert.equal(readFileSync(`${file}.old`, 'utf8'), 'too long a line')
  appendFileSync(file, 'another long line')
  clock.advance(10_000)
  assert.equal(readFileSync(`${file}.old`, 'utf8'), 'another long line')
  assert.deepEqual(readdirSync(path).sort(), ['control.log', 'shop_cart-0.access.log', 'shop_cart-0.access.log.old'])
  logs.stop()
})

test('the last words of a log are its last line that speaks of an error, else its last line', () => {
  const file = join(path, 'words')
  assert.equal(lastWords(file), '')
  appendFileSync(file, `${'x'.repeat(5000)}\nfirst\nlast\n\n`)
  assert.equal(lastWords(file), 'last')
  appendFileSync(file, 'TypeError: not a function\n    at file.js\n\nNode.js v26\n')
  assert.equal(lastWords(file), 'TypeError: not a function')
  appendFileSync(file, `Error: ${'y'.repeat(500)}`)
  assert.equal(lastWords(file).length, 200)
})
