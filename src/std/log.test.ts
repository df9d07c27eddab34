import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Log } from './log.ts'

test('a log whose reader has gone away costs the process nothing', async () => {
  const program = `
    import { Log } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}
    const log = new Log({ component: 'proxy' })
    let faults = 0
    process.on('uncaughtException', (error) => {
      faults++
      log.error('a fault that nobody caught', { fault: error.message })
    })
    process.stdout.write('started')
    process.stdin.once('data', () => {
      log.info('nobody reads this')
      setTimeout(() => {
        log.info('nor this')
        setTimeout(() => process.stdout.write(\`faults: \${faults}\`, () => process.exit(0)), 50)
      }, 50)
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(child.stdout, 'data')
  child.stderr.destroy()
  await once(child.stderr, 'close')
  child.stdin.write('go')
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  assert.equal(said, 'startedfaults: 0')
})

test('tells its own fields with each line, and of a new level', () => {
  const lines: string[] = []
  const sink = { write: (line: string) => void lines.push(line) }
  const log = new Log({ component: 'proxy', fields: { loop: 1 }, level: 'info', sink, now: () => 0 })
  const levels: string[] = []
  log.onLevel = (level) => levels.push(level)
  log.debug('unheard')
  log.level = 'debug'
  log.debug('heard', { port: 80 })
  assert.deepEqual(levels, ['debug'])
  assert.deepEqual(lines, [
    '{"time":"1970-01-01T00:00:00.000Z","level":"debug","component":"proxy","message":"heard","loop":1,"port":80}\n',
  ])
})
