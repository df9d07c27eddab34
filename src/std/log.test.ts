import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

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
