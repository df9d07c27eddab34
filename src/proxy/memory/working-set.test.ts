import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { systemClock as clock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { cleanFileMappings, WorkingSet } from './working-set.ts'

const smaps = `00400000-00500000 r-xp 00000000 08:01 17 /usr/bin/node
Rss:                 900 kB
Anonymous:             0 kB
00500000-00600000 r--p 00100000 08:01 17 /usr/bin/node
Anonymous:            12 kB
00600000-00700000 rw-p 00200000 08:01 17 /usr/bin/node
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f0000002000-7f0000003000 r--p 00000000 00:00 0                          [vvar]
Anonymous:             0 kB
7f0000004000-7f0000008000 r--p 00000000 08:01 18 /usr/lib/with a space.so
Anonymous:             0 kB
`

test('lets go only of files that are read and have no page of their own', () => {
  assert.deepEqual(cleanFileMappings(smaps), [
    { start: 0x400000n, bytes: 0x100000n },
    { start: 0x7f0000004000n, bytes: 0x4000n },
  ])
})

if (process.platform === 'linux') {
  test('the process goes on with fewer pages of its binary', () => {
    const ofFiles = (): number => Number(/RssFile:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1])
    const log = new Log({ component: 'test', level: 'error' })
    const set = new WorkingSet({ clock, log, firstMs: 1, everyMs: 1 })
    set.trim()
    // Compiling brings back what was let go.
    for (let i = 0; i < 20_000; i++) new Function('a', `return a + ${i % 100}`)(i)
    const before = ofFiles()
    assert.ok(set.trim() > 0)
    const after = ofFiles()
    assert.ok(after < before * 0.9, `${before} kB before, ${after} kB after`)
    assert.equal([3, 1, 2].sort().join(), '1,2,3')
  })
}
