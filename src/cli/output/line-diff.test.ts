import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { formatDiff } from './line-diff.ts'

const names = { before: 'a', after: 'b' }

test('shows what changed with three lines around it', () => {
  const before = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n'
  const after = before.replace('five\n', 'FIVE\nmore\n')
  assert.equal(
    formatDiff(before, after, names),
    '--- a\n+++ b\n@@ -2,7 +2,8 @@\n two\n three\n four\n-five\n+FIVE\n+more\n six\n seven\n eight\n',
  )
  assert.equal(formatDiff(before, before, names), '')
  assert.equal(formatDiff('', 'x\n', names), '--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n')
  assert.equal(formatDiff('x\n', '', names), '--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n')
})

/** What `patch` does. */
function apply(before: string, diff: string): string {
  const lines = before.split('\n').slice(0, -1)
  const made: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(2, -1)) {
    const start = /^@@ -(\d+),(\d+)/.exec(line)
    const wanted = start ? Number(start[1]) - (start[2] === '0' ? 0 : 1) : at
    while (at < wanted) made.push(lines[at++]!)
    if (start) continue
    if (line[0] !== '+') assert.equal(lines[at++], line.slice(1))
    if (line[0] !== '-') made.push(line.slice(1))
  }
  return [...made, ...lines.slice(at)].map((line) => `${line}\n`).join('')
}

test('makes the new text of the old one when it is applied', () => {
  const seed = 20_261_123
  const random = seededRandom(seed)
  const text = (): string => Array.from({ length: 30 }, () => `${'abcdef'[pickIndex(random, 6)]}\n`).join('')
  for (let round = 0; round < 200; round++) {
    const before = text()
    const after = round % 2 ? text() : before.replace(/(.\n){4}/, 'x\n')
    assert.equal(apply(before, formatDiff(before, after, names)), after, `seed ${seed} round ${round}`)
  }
})
