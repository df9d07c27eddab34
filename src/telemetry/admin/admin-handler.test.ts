import assert from 'node:assert/strict'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { defaultLimits } from '#/codec/http1/limits.ts'
import { Http1ServerConnection } from '#/codec/http1/server-connection.ts'
import { TimerWheel } from '#/codec/timer-wheel.ts'
import { Log } from '#/std/log.ts'
import { Registry } from '../metric/registry.ts'
import { createAdminHandler } from './admin-handler.ts'
import { adminPages } from './admin-page.ts'
import type { AdminState } from './admin-state.ts'

const done: string[] = []
let readiness = { isReady: true, detail: '' }
const registry = new Registry()
const state: AdminState = {
  log: new Log({ component: 'test', sink: { write: () => undefined } }),
  registry,
  readiness: () => readiness,
  configDump: () => ({ routes: new Map([['a', 1]]), privateKey: 'PEM' }),
  clusters: () => [
    {
      name: 'reviews:80',
      loadBalancing: 'round-robin',
      endpoints: [
        {
          address: '10.0.0.1:80',
          health: 'healthy',
          weight: 1,
          active: 2,
          requests: 30,
          failures: 1,
          workload: 'reviews-1.shop',
        },
      ],
    },
    { name: 'empty:80', loadBalancing: 'random', endpoints: [] },
  ],
  drain: () => done.push('drain'),
  quit: () => done.push('quit'),
}

let server: Server
const wheel = new TimerWheel({ tickMs: 100 })
before(async () => {
  registry
    .meters({ name: 'things_total', help: 'Things.', type: 'counter', labelNames: ['kind'] })
    .with('a')
    .add(3)
  const handler = createAdminHandler(state)
  server = createServer({ allowHalfOpen: true }, (socket) => {
    new Http1ServerConnection(socket, { handler, limits: defaultLimits, wheel })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => server.close())
beforeEach(() => {
  done.length = 0
  readiness = { isReady: true, detail: '' }
})

interface Reply {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: string
}

function ask(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    const call = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (reply) => {
      const chunks: Buffer[] = []
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.on('end', () =>
        resolve({ status: reply.statusCode!, headers: reply.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    call.on('error', reject)
    call.end(body)
  })
}

test('ready tells whether and why not', async () => {
  assert.deepEqual((await ask('GET', '/ready')).status, 200)
  readiness = { isReady: false, detail: 'waiting for listeners' }
  const reply = await ask('GET', '/ready')
  assert.equal(reply.status, 503)
  assert.equal(reply.body, 'not ready: waiting for listeners\n')
})

test('healthz answers whatever readiness says', async () => {
  readiness = { isReady: false, detail: '' }
  assert.equal((await ask('GET', '/healthz')).status, 200)
})

test('metrics come in the format that was asked for', async () => {
  const plain = await ask('GET', '/metrics')
  assert.equal(plain.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(plain.body, '# HELP things_total Things.\n# TYPE things_total counter\nthings_total{kind="a"} 3\n')
  const open = await ask('GET', '/metrics', { accept: 'application/openmetrics-text; version=1.0.0' })
  assert.match(String(open.headers['content-type']), /^application\/openmetrics-text/)
  assert.match(open.body, /# EOF\n$/)
})

test('stats are the same numbers as text and as JSON', async () => {
  assert.equal((await ask('GET', '/stats')).body, 'things_total{kind="a"}: 3\n')
  assert.equal((await ask('GET', '/stats?filter=nothing')).body, '')
  assert.deepEqual(JSON.parse((await ask('GET', '/stats?format=json')).body), [
    { name: 'things_total', type: 'counter', labels: { kind: 'a' }, value: 3 },
  ])
})

test('the config dump is JSON without secrets', async () => {
  const reply = await ask('GET', '/config_dump')
  assert.deepEqual(JSON.parse(reply.body), { routes: { a: 1 }, privateKey: '[redacted]' })
  assert.equal(reply.headers['content-type'], 'application/json; charset=utf-8')
})

test('clusters list their endpoints', async () => {
  assert.equal(
    (await ask('GET', '/clusters')).body,
    'reviews:80 (round-robin)\n' +
      '  10.0.0.1:80 healthy weight=1 active=2 requests=30 failures=1 workload=reviews-1.shop\n' +
      'empty:80 (random) has no endpoints\n',
  )
  const json = JSON.parse((await ask('GET', '/clusters?format=json')).body)
  assert.equal(json[0].endpoints[0].requests, 30)
})

test('drain and quit do what they say, quit after its answer', async () => {
  assert.equal((await ask('POST', '/drain', {}, 'a body is passed over')).body, 'draining\n')
  assert.deepEqual(done, ['drain'])
  assert.equal((await ask('POST', '/quitquitquit')).body, 'bye\n')
  assert.deepEqual(done, ['drain', 'quit'])
})

test('the level of the log is set, told, and refused when unknown', async () => {
  assert.equal((await ask('POST', '/logging?level=debug')).body, 'level: debug\n')
  assert.equal(state.log.level, 'debug')
  assert.equal((await ask('POST', '/logging')).body, 'level: debug\n')
  const refused = await ask('POST', '/logging?level=loud')
  assert.equal(refused.status, 400)
  assert.match(refused.body, /debug, info, warn, error/)
  assert.equal(state.log.level, 'debug')
})

test('the root lists every page, and an unknown page too', async () => {
  const root = await ask('GET', '/')
  assert.equal(root.status, 200)
  const lost = await ask('GET', '/nowhere')
  assert.equal(lost.status, 404)
  for (const { path } of adminPages) {
    assert.ok(root.body.includes(path))
    assert.ok(lost.body.includes(path))
  }
})

test('the wrong method is refused with the right one', async () => {
  for (const { path, method } of adminPages) {
    const reply = await ask(method === 'GET' ? 'POST' : 'GET', path)
    assert.equal(reply.status, 405, path)
    assert.equal(reply.headers.allow, method === 'GET' ? 'GET, HEAD' : 'POST')
  }
  assert.deepEqual(done, [])
})

test('HEAD has the head of GET and no body', async () => {
  const reply = await ask('HEAD', '/clusters')
  assert.equal(reply.status, 200)
  assert.equal(reply.body, '')
  assert.equal((await ask('HEAD', '/metrics')).body, '')
})

test('a page of another origin, or a name that is not ours, may not pass', async () => {
  const refused: Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { host: 'evil.example' },
    { host: 'evil.example:15000' },
    { host: '127.0.0.1.evil.example' },
  ]
  for (const headers of refused) {
    for (const [method, path] of [
      ['POST', '/quitquitquit'],
      ['GET', '/config_dump'],
      ['GET', '/nowhere'],
    ] as const) {
      assert.equal((await ask(method, path, headers)).status, 403, JSON.stringify(headers))
    }
  }
  assert.deepEqual(done, [])
})

test('the machine itself may pass, and probes and scrapers by any name', async () => {
  for (const host of ['localhost:15000', '127.0.0.1', '[::1]:15000', '10.1.2.3:15000']) {
    assert.equal((await ask('GET', '/config_dump', { host })).status, 200, host)
  }
  const { port } = server.address() as AddressInfo
  const own = { host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' }
  assert.equal((await ask('POST', '/drain', own)).status, 200)
  for (const path of ['/ready', '/healthz', '/metrics']) {
    assert.equal((await ask('GET', path, { host: 'pod.example' })).status, 200, path)
  }
})

test('a reader that is slow or leaves costs no more than its pieces', async () => {
  const family = registry.meters({
    name: 'many_total',
    help: 'Many.',
    type: 'counter',
    labelNames: ['n'],
    seriesMax: 30_000,
  })
  for (let i = 0; i < 30_000; i++) family.with(`${i} ${'x'.repeat(100)}`).add(1)
  const { port } = server.address() as AddressInfo
  const leaver = connect(port, '127.0.0.1')
  leaver.write('GET /stats HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await new Promise<void>((resolve) => leaver.once('data', () => resolve()))
  leaver.destroy()
  const reply = await ask('GET', '/stats')
  assert.equal(reply.body.split('\n').length, 30_002)
})

test('a page that throws answers 500 with the reason', async () => {
  const { configDump } = state
  state.configDump = () => {
    throw new Error('no table yet')
  }
  const reply = await ask('GET', '/config_dump')
  state.configDump = configDump
  assert.equal(reply.status, 500)
  assert.match(reply.body, /no table yet/)
})

test('a page waits for what is gathered from elsewhere, and a client that left waits for nothing', async () => {
  const gathered: [path: string, done: () => void][] = []
  state.gather = (path, ready) => void gathered.push([path, ready])
  let reply: Reply | undefined
  const asked = ask('GET', '/stats?filter=things').then((answer) => {
    reply = answer
  })
  while (gathered.length < 1) await new Promise((resolve) => setImmediate(resolve))
  const left = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)))
  const { port } = server.address() as AddressInfo
  const leaver = connect(port, '127.0.0.1')
  leaver.write('GET /clusters HTTP/1.1\r\nhost: localhost\r\n\r\n')
  while (gathered.length < 2) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(reply, undefined)
  leaver.destroy()
  await left
  delete state.gather
  for (const [, ready] of gathered) ready()
  await asked
  assert.match(reply!.body, /^things_total/)
  assert.deepEqual(
    gathered.map(([path]) => path),
    ['/stats', '/clusters'],
  )
})
