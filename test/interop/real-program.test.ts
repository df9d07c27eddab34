/**
 * Real servers in the mesh with no setting: Redis waits for its client, MariaDB and OpenSSH speak first, and nobody has said
 * what any of the ports speaks. Their own clients are told where to go by Kubernetes' variables alone.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as grpc from '@grpc/grpc-js'
import { send } from '../contract/http-client.ts'
import { LaptopMesh, portOf } from '../mesh/testing/laptop-mesh.ts'
import { needPrograms } from './debian.ts'
import { loom } from './real-program/grpc.mjs'

const run = promisify(execFile)
const source = fileURLToPath(new URL('./real-program/', import.meta.url))

/** Where the caller finds a service, as Kubernetes tells it. */
interface Address {
  host: string
  port: string
}

let mesh: LaptopMesh
let environment: Record<string, string>

function addressOf(service: string): Address {
  const name = service.toUpperCase()
  const host = environment[`${name}_SERVICE_HOST`]
  const port = environment[`${name}_SERVICE_PORT`]
  assert.ok(host && port, `the caller has no ${name}_SERVICE_HOST and ${name}_SERVICE_PORT`)
  return { host, port }
}

before(async () => {
  needPrograms({
    'redis-server': 'redis-server',
    'redis-cli': 'redis-tools',
    mariadbd: 'mariadb-server',
    mariadb: 'mariadb-client',
    sshd: 'openssh-server',
    ssh: 'openssh-client',
    h2load: 'nghttp2-client',
    curl: 'curl',
  })
  mesh = new LaptopMesh(source, {
    prepare: (directory) => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'client')])
      // For the server that is made with a package.
      symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(directory, 'node_modules'))
    },
  })
  await mesh.ready()
  const { app } = mesh.workload('caller')
  environment = JSON.parse((await send(portOf(app), { host: 'caller', path: '/' })).body)
})

after(async () => mesh?.stop())

test('Redis answers its own client, and takes 2,000 commands in a pipeline', async () => {
  const { host, port } = addressOf('redis')
  const redis = async (...words: string[]): Promise<string> =>
    (await run('redis-cli', ['-h', host, '-p', port, ...words], { timeout: 20_000 })).stdout.trim()
  assert.equal(await redis('SET', 'cloth', 'linen'), 'OK')
  assert.equal(await redis('GET', 'cloth'), 'linen')
  const text = Array.from({ length: 2000 }, () => 'INCR threads\n').join('')
  const file = join(mesh.folder, 'commands')
  writeFileSync(file, text)
  await run('sh', ['-c', `redis-cli -h ${host} -p ${port} <${file} >/dev/null`], { timeout: 20_000 })
  assert.equal(await redis('GET', 'threads'), '2000')
})

test('MariaDB, which speaks first, greets its client and keeps what it is told', async () => {
  const { host, port } = addressOf('mariadb')
  const words = [
    '--no-defaults',
    `--host=${host}`,
    `--port=${port}`,
    '--protocol=tcp',
    '--user=weft',
    '--password=woven',
  ]
  const sql = 'CREATE TABLE bolt (name TEXT, metres INT); INSERT INTO bolt VALUES ("wool", 40); SELECT * FROM bolt'
  const { stdout } = await run('mariadb', [...words, '--batch', '--skip-column-names', 'shop', '-e', sql], {
    timeout: 20_000,
  })
  assert.equal(stdout, 'wool\t40\n')
})

test('OpenSSH, which speaks first, logs a client in and carries 5 MB both ways', async () => {
  const { host, port } = addressOf('ssh')
  const key = join(mesh.folder, 'client')
  const options = ['-F', '/dev/null', '-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null']
  const there = [...options, '-o', 'LogLevel=ERROR', '-p', port, host]
  const { stdout } = await run('ssh', [...there, 'echo', 'woven'], { timeout: 20_000 })
  assert.equal(stdout, 'woven\n')
  const bytes = randomBytes(5_000_000)
  const sent = join(mesh.folder, 'sent')
  const came = join(mesh.folder, 'came')
  writeFileSync(sent, bytes)
  await run('sh', ['-c', `ssh ${there.join(' ')} cat <${sent} >${came}`], { timeout: 30_000 })
  const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
  assert.equal(digest(readFileSync(came)), digest(bytes))
})

test('curl speaks HTTP/1.1, HTTP/2 with prior knowledge and by Upgrade to an HTTP/2 server', async () => {
  const { host, port } = addressOf('http2')
  const ask = async (...words: string[]): Promise<string> =>
    (await run('curl', ['-sS', '--max-time', '10', ...words, `http://${host}:${port}/loom`])).stdout
  assert.match(await ask('-i', '--http2-prior-knowledge'), /^HTTP\/2 200[\s\S]*hello \/loom/)
  assert.match(await ask('-i', '--http2'), /HTTP\/2 200[\s\S]*hello \/loom/)
})

test('h2load gets an answer to each of 2,000 requests over 4 connections', async () => {
  const { host, port } = addressOf('http2')
  const words = ['-n', '2000', '-c', '4', '-m', '10', `http://${host}:${port}/loom`]
  const { stdout } = await run('h2load', words, { timeout: 30_000 })
  assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/)
})

test('@grpc/grpc-js calls a server of its own kind: unary, both ways of streaming, a status, a deadline', async () => {
  const { host, port } = addressOf('grpc')
  const Client = grpc.makeGenericClientConstructor(loom, 'Loom')
  const client = new Client(`${host}:${port}`, grpc.credentials.createInsecure())
  const deadline = (ms = 10_000): grpc.CallOptions => ({ deadline: Date.now() + ms })
  const unary = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      client.Weave!(text, new grpc.Metadata(), deadline(), (error: grpc.ServiceError | null, answer: string) =>
        error ? reject(error) : resolve(answer),
      )
    })
  try {
    assert.equal(await unary('linen'), 'woven linen')
    await assert.rejects(unary('knot'), { code: grpc.status.FAILED_PRECONDITION, details: 'a knot' })
    const collected = await new Promise((resolve, reject) => {
      const call = client.Collect!(new grpc.Metadata(), deadline(), (error: Error | null, answer: string) =>
        error ? reject(error) : resolve(answer),
      )
      for (const piece of ['a', 'b', 'c']) call.write(piece)
      call.end()
    })
    assert.equal(collected, 'a b c')
    const rows: string[] = []
    for await (const row of client.Unroll!('row', new grpc.Metadata(), deadline())) rows.push(row)
    assert.deepEqual([rows.length, rows[0], rows[99]], [100, 'row 0', 'row 99'])
    const chat = client.Pass!(new grpc.Metadata(), deadline())
    for (const piece of ['warp', 'weft']) {
      chat.write(piece)
      // Each answer is there before the next message leaves: nothing is held back.
      assert.deepEqual(await once(chat, 'data'), [`${piece}!`])
    }
    chat.end()
    await once(chat, 'end')
    const late = client.Pass!(new grpc.Metadata(), deadline(300))
    const [error] = await once(late, 'error')
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED)
  } finally {
    client.close()
  }
})
