import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { faultCodes } from './fault-codes.ts'

const root = join(import.meta.dirname, '..', '..')
const sources = globSync('{src/api,src/control/source,src/control/translate}/**/*.ts', { cwd: root })
  .filter((path) => !/\.(test|bench)\.ts$/.test(path) && !path.endsWith('fault-codes.ts'))
  .map((path) => readFileSync(join(root, path), 'utf8'))

/** Literals behind `code:`, with both branches where one is chosen by a condition. */
function usedCodes(): Set<string> {
  const used = new Set<string>()
  for (const text of sources) {
    for (const [, rest] of text.matchAll(/\bcode: ([^\n]*)/g)) {
      const literal = /^(?:[^'",]* \? )?'([a-z-]+)'(?: : '([a-z-]+)')?/.exec(rest!)
      for (const code of literal?.slice(1) ?? []) if (code) used.add(code)
    }
  }
  return used
}

test('every code that a fault is given is declared', () => {
  const used = usedCodes()
  assert.ok(used.size > 30, `found only ${[...used]}`)
  assert.deepEqual(
    [...used].filter((code) => !(code in faultCodes)),
    [],
  )
})

test('every declared code is given somewhere', () => {
  const texts = sources.join('\n')
  assert.deepEqual(
    Object.keys(faultCodes).filter((code) => !texts.includes(`'${code}'`)),
    [],
  )
})

test('every code says what it means and what becomes of the object, in sentences', () => {
  for (const [code, { meaning, effect }] of Object.entries(faultCodes)) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/)
    for (const text of [meaning, effect]) assert.match(text, /^[A-Z].*\.$/, code)
  }
})
