import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '#/std/clock.ts'
import { isAlive, until } from '../testing/until.ts'
import { Child, type ChildExit } from './child.ts'
import { Guard } from './guard.ts'
import { KeptProcess } from './kept-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-process-'))
const guard = new Guard()
after(() => {
  guard.dismiss()
  rmSync(folder, { recursive: true })
})

function start(script: string, onLine?: (line: string) => void): Child {
  const environment = { PATH: process.env.PATH, WORD: 'given' }
  const logFile = join(folder, 'logs', 'child.log')
  return new Child({
    argv: ['/bin/sh', '-c', script],
    environment,
    folder,
    logFile,
    guard,
    ...(onLine ? { onLine } : {}),
  })
}

test('a child runs with its folder and environment, and its output goes to the file', async () => {
  const child = start('pwd; echo "$WORD"; exit 3')
  assert.deepEqual(await child.exited, { code: 3, signal: null, message: 'exit code 3' })
  const log = readFileSync(join(folder, 'logs', 'child.log'), 'utf8')
  assert.match(log, /weft-process-.*\ngiven\n/)
})

test('the pid is that of the command itself', async () => {
  const lines: string[] = []
  const child = start('echo $$; exec sleep 30', (line) => lines.push(line))
  await until(() => lines.length > 0, 'the child has said its pid')
  assert.equal(Number(lines[0]), child.pid)
  assert.equal((await child.stop(5000)).signal, 'SIGTERM')
})

test('a child that ignores SIGTERM is killed after its grace', async () => {
  const lines: string[] = []
  const child = start('trap "" TERM; echo up; while :; do sleep 1; done', (line) => lines.push(line))
  await until(() => lines.includes('up'), 'the trap is set')
  assert.equal((await child.stop(50)).signal, 'SIGKILL')
})

test('what a command leaves in the background ends with it', async () => {
  const lines: string[] = []
  const child = start('sleep 30 & echo $!', (line) => lines.push(line))
  await child.exited
  await until(() => lines.length > 0 && !isAlive(Number(lines[0])), 'the background process has ended')
})

test('a missing folder is an exit with a message, not an exception', async () => {
  const options = {
    argv: ['true'],
    environment: {},
    folder: join(folder, 'missing'),
    logFile: join(folder, 'x'),
    guard,
  }
  assert.match((await new Child(options).exited).message, /ENOENT/)
})

test('a kept process is started again after it ended, and stays stopped after stop', async () => {
  const crashes: ChildExit[] = []
  const kept = new KeptProcess({
    launch: () => start(crashes.length < 2 ? 'exit 7' : 'exec sleep 30'),
    clock: systemClock,
    restartInitialMs: 5,
    restartMaxMs: 20,
    onCrash: (exit) => crashes.push(exit),
  })
  kept.start()
  await until(() => kept.restarts === 2 && kept.isRunning, 'the third one runs')
  assert.deepEqual(
    crashes.map(({ code }) => code),
    [7, 7],
  )
  const pid = kept.pid!
  await kept.stop(5000)
  assert.equal(isAlive(pid), false)
  assert.equal(kept.restarts, 2)
})

test('children end when their supervisor is killed with -9', async () => {
  const program = join(folder, 'supervisor.ts')
  const room = new URL('.', import.meta.url).pathname
  writeFileSync(
    program,
    `import { Child } from '${room}child.ts'
     import { Guard } from '${room}guard.ts'
     const guard = new Guard()
     const options = { environment: { PATH: '${process.env.PATH}' }, folder: '/', logFile: '${join(folder, 'orphan.log')}', guard }
     const polite = new Child({ ...options, argv: ['sleep', '60'] })
     const stubborn = new Child({ ...options, argv: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] })
     guard.cleanUpWith('echo cleaned > ${join(folder, 'cleaned')}')
     console.log(JSON.stringify([polite.pid, stubborn.pid]))`,
  )
  const supervisor = spawn(process.execPath, ['--no-warnings', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunk] = await once(supervisor.stdout, 'data')
  const pids: number[] = JSON.parse(String(chunk))
  assert.ok(pids.every(isAlive))
  supervisor.kill('SIGKILL')
  await until(() => !pids.some(isAlive), 'both children have ended')
  await until(() => readOr(join(folder, 'cleaned')) === 'cleaned\n', 'the last command has run')
})

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return String(error)
  }
}
