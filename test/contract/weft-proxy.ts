/** Our proxy as a process of its own, as tests start it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatHostPort, type HostPort } from '#/std/host-port.ts'
import { eventually, freePort, type RunningProxy } from './suite.ts'

export interface WeftProxyOptions {
  nodeId: string
  namespace: string
  workload: string
  xds: HostPort
  folder: string
  flags?: readonly string[]
  /** Of Node. */
  nodeFlags?: readonly string[]
}

export interface WeftProxy extends RunningProxy {
  child: ChildProcess
  /** `http://127.0.0.1:PORT` */
  admin: string
  accessLog: string
}

/** So that the whole suite runs over several event loops: `WEFT_TEST_CONCURRENCY=2 node --test test/contract/weft.test.ts`. */
const concurrency = process.env.WEFT_TEST_CONCURRENCY ?? '1'

/** Another program in its place, as a bundle: `WEFT_TEST_PROXY=dist/proxy.mjs`. */
const main = process.env.WEFT_TEST_PROXY ?? fileURLToPath(new URL('../../src/main/proxy.ts', import.meta.url))

/** Starts it and waits until it is ready. Its log goes to a file in `folder`. */
export async function startWeftProxy(options: WeftProxyOptions): Promise<WeftProxy> {
  const { nodeId, namespace, workload, xds, folder, flags = [], nodeFlags = [] } = options
  const state = join(folder, nodeId)
  mkdirSync(state, { recursive: true })
  const adminPort = await freePort()
  const accessLog = join(state, 'access.log')
  const log = openSync(join(state, 'proxy.log'), 'a')
  const child = spawn(
    process.execPath,
    [
      ...nodeFlags,
      main,
      '--node-id',
      nodeId,
      '--cluster',
      workload,
      '--namespace',
      namespace,
      '--control',
      formatHostPort(xds),
      '--admin',
      `127.0.0.1:${adminPort}`,
      '--state-dir',
      state,
      '--access-log',
      accessLog,
      '--concurrency',
      concurrency,
      ...flags,
    ],
    { stdio: ['ignore', log, log] },
  )
  const admin = `http://127.0.0.1:${adminPort}`
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}; see ${state}/proxy.log`)
    const answer = await fetch(`${admin}/ready`)
    if (!answer.ok) throw new Error(`not ready: ${await answer.text()}`)
  }, 15_000)
  return {
    child,
    admin,
    accessLog,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone
    },
  }
}
