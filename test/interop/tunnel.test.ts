/** Real programs through CONNECT: curl asks for its tunnel itself, Redis and OpenSSH get one from a forwarder. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { application } from '#/proxy/testing/outbound.ts'
import { askForTunnel, startTunnelProxy, type TunnelProxy, tunnelVersions } from '#/proxy/testing/tunnel.ts'
import { eventually, freePort } from '../contract/suite.ts'
import { needPrograms } from './debian.ts'

const run = promisify(execFile)

before(() =>
  needPrograms({
    curl: 'curl',
    'redis-server': 'redis-server',
    'redis-cli': 'redis-tools',
    sshd: 'openssh-server',
    ssh: 'openssh-client',
  }),
)

/** A server that ends with the test. @returns when it takes connections. */
async function startServer(t: TestContext, child: ChildProcess, port: number): Promise<void> {
  t.after(() => child.kill('SIGKILL'))
  await eventually(async () => {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    socket.destroy()
  }, 10_000)
}

interface Forwarding {
  proxy: TunnelProxy
  version: (typeof tunnelVersions)[number]
  authority: string
}

/** Takes connections, and gives each a tunnel. @returns its port. */
async function forward(t: TestContext, { proxy, version, authority }: Forwarding): Promise<string> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket: Socket) => {
    socket.on('error', () => undefined)
    void askForTunnel(t, { version, proxy: proxy.proxy, authority }).then(({ stream }) => {
      stream.on('data', (chunk: Buffer) => socket.write(chunk))
      stream.on('end', () => socket.end())
      socket.pipe(stream)
      socket.resume()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return String((server.address() as AddressInfo).port)
}

test('curl: a request in a tunnel is routed as a request, and a host that nobody knows is told', async (t) => {
  const reviews = await application(t, 'reviews')
  const started = await startTunnelProxy(t, { 'reviews.shop:80': { port: reviews.port, protocol: 'http' } })
  const through = ['-sS', '--max-time', '5', '-p', '-x', `http://127.0.0.1:${started.proxy.port}`]
  const { stdout } = await run('curl', [...through, '-d', 'woven', 'http://reviews.shop/loom'])
  assert.equal(stdout, 'reviews woven')
  assert.deepEqual(reviews.seen, ['POST /loom'])
  const asking = run('curl', [...through, '-i', 'http://nobody.shop/'])
  await eventually(async () => assert.ok(started.source.isAsked('listener', 'nobody.shop:80')), 5000)
  started.source.remove('listener', 'nobody.shop:80')
  await assert.rejects(asking, /CONNECT tunnel failed, response 404/)
})

for (const version of tunnelVersions) {
  test(`Redis over ${version}: its own client sets, gets, and counts to 2,000 in a pipeline`, async (t) => {
    const port = await freePort()
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    await startServer(t, spawn('redis-server', words, { stdio: 'ignore', cwd: tmpdir() }), port)
    const authority = 'redis.shop:6379'
    const proxy = await startTunnelProxy(t, { [authority]: { port, protocol: 'auto' } })
    const local = await forward(t, { proxy, version, authority })
    const redis = async (...given: string[]): Promise<string> =>
      (await run('redis-cli', ['-p', local, ...given], { timeout: 10_000 })).stdout.trim()
    assert.equal(await redis('SET', 'cloth', 'linen'), 'OK')
    assert.equal(await redis('GET', 'cloth'), 'linen')
    const pipeline = spawn('redis-cli', ['-p', local], { stdio: ['pipe', 'ignore', 'ignore'] })
    pipeline.stdin.end('INCR threads\n'.repeat(2000))
    await once(pipeline, 'exit')
    assert.equal(await redis('GET', 'threads'), '2000')
  })

  test(`OpenSSH over ${version}, which speaks first: a client logs in`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-tunnel-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'client')])
    const port = await freePort()
    const script = fileURLToPath(new URL('./real-program/ssh.sh', import.meta.url))
    const env = { ...process.env, HOST: '127.0.0.1', PORT: String(port) }
    await startServer(t, spawn('sh', [script], { cwd: folder, env, stdio: 'ignore' }), port)
    const authority = 'ssh.shop:22'
    const proxy = await startTunnelProxy(t, { [authority]: { port, protocol: 'auto' } })
    const local = await forward(t, { proxy, version, authority })
    const options = ['-F', '/dev/null', '-i', join(folder, 'client'), '-o', 'StrictHostKeyChecking=no']
    const quiet = ['-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-p', local, '127.0.0.1']
    const { stdout } = await run('ssh', [...options, ...quiet, 'echo', 'woven'], { timeout: 20_000 })
    assert.equal(stdout, 'woven\n')
    assert.ok(proxy.events.detections.includes('server-first') || proxy.events.detections.includes('opaque'))
  })
}
