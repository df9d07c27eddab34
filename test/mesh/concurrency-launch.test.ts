/** How a proxy with several event loops is started: settings, threads, the bundle. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { proxySettings } from '#/config/proxy-settings.ts'
import { readSettings } from '#/config/read-settings.ts'
import { bundle } from '../../tools/bundle.ts'
import { eventually, freePort } from '../contract/suite.ts'

test('the number of loops has its bounds', () => {
  const read = (concurrency: string): boolean =>
    readSettings(proxySettings, { arguments: ['--node-id', 'a.b', '--concurrency', concurrency], environment: {} }).ok
  for (const right of ['0', '1', '32']) assert.equal(read(right), true, right)
  for (const wrong of ['-1', '33', '1.5', 'many', '']) assert.equal(read(wrong), false, wrong)
})

/** Without a control plane: it never becomes ready. */
async function startAlone(
  t: TestContext,
  program: string,
  concurrency: number,
): Promise<{ pid: number; admin: string }> {
  const admin = `127.0.0.1:${await freePort()}`
  const flags = ['--node-id', 'a.b', '--control', '127.0.0.1:1', '--admin', admin, '--concurrency', String(concurrency)]
  const child = spawn(process.execPath, [program, ...flags], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  await eventually(async () => void (await fetch(`http://${admin}/ready`)), 10_000)
  return { pid: child.pid!, admin: `http://${admin}` }
}

test('one loop starts no thread beside those of Node', async (t) => {
  const program = fileURLToPath(new URL('../../src/main/proxy.ts', import.meta.url))
  const threadsOf = async (concurrency: number): Promise<number> =>
    readdirSync(`/proc/${(await startAlone(t, program, concurrency)).pid}/task`).length
  assert.equal(await threadsOf(2), (await threadsOf(1)) + 2)
})

test('a bundle is one file for the main thread and for the loops', async (t) => {
  const outdir = mkdtempSync(join(tmpdir(), 'weft-bundle-'))
  t.after(() => rmSync(outdir, { recursive: true }))
  const { path } = await bundle({ program: 'proxy', outdir })
  assert.deepEqual(readdirSync(outdir).sort(), ['proxy.mjs', 'proxy.mjs.map'])
  const { admin } = await startAlone(t, path, 2)
  await eventually(async () => {
    assert.match(await (await fetch(`${admin}/ready`)).text(), /event loop 0: waits for the first configuration/)
  })
})
