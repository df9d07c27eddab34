import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weft-launcher-'))
after(() => rmSync(folder, { recursive: true }))

function run(file: string, path = process.env.PATH!) {
  return spawnSync(file, ['version'], { cwd: '/', encoding: 'utf8', env: { PATH: path } })
}

/** A checkout with nothing but what a test puts there. */
function checkout(name: string): string {
  const place = join(folder, name)
  mkdirSync(join(place, 'node_modules/commander'), { recursive: true })
  mkdirSync(join(place, 'src/main'), { recursive: true })
  copyFileSync(join(root, 'weft'), join(place, 'weft'))
  writeFileSync(
    join(place, 'src/main/weft.ts'),
    'console.log(process.version, process.argv.slice(2), process.execPath)',
  )
  return place
}

/** A program called `node` that says it is of some version and else is our own. */
function fakeNode(place: string, version: string): string {
  mkdirSync(place, { recursive: true })
  const script = `#!/bin/sh\n[ "$1" = -p ] && { echo ${version}; exit; }\necho "node ${version}"\n`
  writeFileSync(join(place, 'node'), script)
  chmodSync(join(place, 'node'), 0o755)
  return place
}

test('the launcher works from any folder and through links', () => {
  const link = join(folder, 'weft-link')
  symlinkSync(join(root, 'weft'), link)
  const relative = join(folder, 'weft-relative')
  symlinkSync('weft-link', relative)
  for (const file of [join(root, 'weft'), link, relative]) {
    const { status, stdout, stderr } = run(file)
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^weft \d/)
  }
})

test('it takes the Node that npm ci brought before any other', () => {
  const place = checkout('with-node')
  fakeNode(join(place, 'node_modules/.bin'), '26')
  const { stdout } = run(join(place, 'weft'), `${fakeNode(join(folder, 'bin-24'), '24')}:/usr/bin:/bin`)
  assert.equal(stdout, 'node 26\n')
})

test('without it a Node of 24 or later on PATH will do, and an older one is refused with a word', () => {
  const place = checkout('without-node')
  assert.equal(run(join(place, 'weft'), `${fakeNode(join(folder, 'bin-25'), '25')}:/usr/bin:/bin`).stdout, 'node 25\n')
  const old = run(join(place, 'weft'), `${fakeNode(join(folder, 'bin-20'), '20')}:/usr/bin:/bin`)
  assert.equal(old.status, 3)
  assert.match(
    old.stderr,
    /needs Node 24 or later, and found .*bin-20\/node \(version 20\); run: \(cd '.*' && npm ci\)/,
  )
})

test('without packages it says what to run', () => {
  const place = checkout('without-packages')
  rmSync(join(place, 'node_modules'), { recursive: true })
  const { status, stderr } = run(join(place, 'weft'))
  assert.equal(status, 3)
  assert.match(stderr, /run: \(cd '.*without-packages' && npm ci\)/)
})
