import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  findRunningMeshes,
  forgetRunningMesh,
  prepareStateFolder,
  readRunningMesh,
  stateFolderOf,
  stateRoot,
  writeRunningMesh,
} from './state-folder.ts'
import { until } from './testing/until.ts'

const home = mkdtempSync(join(tmpdir(), 'weft-state-'))
after(() => rmSync(home, { recursive: true }))

test('the root follows XDG_STATE_HOME when it is absolute, else the home folder', () => {
  assert.equal(stateRoot({ XDG_STATE_HOME: '/state', HOME: '/home/ida' }), '/state/weft')
  assert.equal(stateRoot({ XDG_STATE_HOME: 'state', HOME: '/home/ida' }), '/home/ida/.local/state/weft')
  assert.equal(stateRoot({ HOME: '/home/ida' }), '/home/ida/.local/state/weft')
})

test('a directory has one state folder, by whatever path it is named, and no other has the same', () => {
  const [one, other] = [join(home, 'a', 'shop'), join(home, 'b', 'shop')]
  for (const path of [one, other]) mkdirSync(path, { recursive: true })
  symlinkSync(one, join(home, 'link'))
  assert.match(stateFolderOf('/root', one).path, /^\/root\/shop-[0-9a-f]{8}$/)
  assert.equal(stateFolderOf('/root', join(home, 'link')).path, stateFolderOf('/root', one).path)
  assert.notEqual(stateFolderOf('/root', other).path, stateFolderOf('/root', one).path)
})

test('a new run forgets the pods of the one before, and keeps the last configuration of sidecars', () => {
  const folder = stateFolderOf(join(home, 'root'), home)
  prepareStateFolder(folder)
  writeFileSync(join(folder.pods, 'old.yaml'), '')
  writeFileSync(join(folder.sidecars, 'kept'), '')
  prepareStateFolder(folder)
  assert.equal(existsSync(join(folder.pods, 'old.yaml')), false)
  assert.equal(existsSync(join(folder.sidecars, 'kept')), true)
})

test('a mesh counts as running as long as its process is ours and alive', async () => {
  const root = join(home, 'running')
  const folder = stateFolderOf(root, home)
  prepareStateFolder(folder)
  const supervisor = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'weft'], { stdio: 'ignore' })
  await once(supervisor, 'spawn')
  const mesh = { pid: supervisor.pid!, directory: home, api: 'http://127.0.0.1:1', xds: '127.0.0.1:2' }
  writeRunningMesh(folder, mesh)
  await until(() => findRunningMeshes(root).length > 0, 'the process is seen')
  assert.deepEqual(findRunningMeshes(root), [mesh])
  supervisor.kill('SIGKILL')
  await once(supervisor, 'exit')
  assert.deepEqual(findRunningMeshes(root), [])
  // The id went to a program that is not ours.
  writeRunningMesh(folder, { ...mesh, pid: process.ppid })
  assert.equal(readRunningMesh(folder.path), undefined)
  writeFileSync(join(folder.path, 'up.json'), '{"pid":')
  assert.equal(readRunningMesh(folder.path), undefined)
  forgetRunningMesh(folder)
  assert.deepEqual(findRunningMeshes(root), [])
})
