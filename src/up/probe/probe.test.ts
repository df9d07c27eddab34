import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { lookOf, type ProbeTarget } from './probe.ts'
import { paceOf, Readiness } from './readiness.ts'

let status = 200
const server = http.createServer((request, response) => {
  if (request.url === '/slow') return
  response.writeHead(request.headers['x-probe'] === 'yes' ? 204 : status).end()
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
after(() => {
  server.closeAllConnections()
  server.close()
})

const target: ProbeTarget = {
  addressOf: (name) => (name === 'http' || name === 8080 ? { host: '127.0.0.1', port } : undefined),
  folder: '/',
  environment: { WORD: 'given' },
}

test('an HTTP probe is ready from 200 to 399, by port number or name', async () => {
  const look = lookOf({ httpGet: { port: 'http', path: '/healthz' } }, target)!
  for (const [answer, expected] of [
    [200, undefined],
    [399, undefined],
    [400, 'GET /healthz answered 400'],
    [503, 'GET /healthz answered 503'],
  ] as const) {
    status = answer
    assert.equal(await look(1000), expected)
  }
  const headers = [{ name: 'x-probe', value: 'yes' }]
  assert.equal(await lookOf({ httpGet: { port: 8080, httpHeaders: headers } }, target)!(1000), undefined)
  assert.equal(lookOf({ httpGet: { port: 'grpc' } }, target), undefined)
})

test('an HTTP probe without an answer fails after its time', async () => {
  const look = lookOf({ httpGet: { port: 'http', path: '/slow' } }, target)!
  assert.equal(await look(30), 'GET /slow: no answer in 30 ms')
})

test('a TCP probe is ready when the port accepts', async () => {
  assert.equal(await lookOf({ tcpSocket: { port: 8080 } }, target)!(1000), undefined)
  const gone = http.createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const address = { host: '127.0.0.1', port: (gone.address() as AddressInfo).port }
  gone.close()
  await once(gone, 'close')
  const look = lookOf({ tcpSocket: { port: 1 } }, { ...target, addressOf: () => address })!
  assert.match((await look(1000)) ?? '', /ECONNREFUSED/)
})

test('an exec probe is ready by exit code 0, with the environment of its container', async () => {
  const run = (script: string) => lookOf({ exec: { command: ['/bin/sh', '-c', script] } }, target)!
  assert.equal(await run('[ "$WORD" = given ]')(1000), undefined)
  assert.equal(await run('exit 4')(1000), '/bin/sh: exit code 4')
  assert.equal(await run('exec sleep 10')(30), '/bin/sh: no end in 30 ms')
})

/** Lets the promises of looks resolve. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 50) {
    clock.advance(50)
    await turn()
  }
}

test('looks come quickly until the first success, then once a period; three failures in a row are needed to fall', async () => {
  const clock = new ManualClock()
  const changes: string[] = []
  let looks = 0
  let reason: string | undefined = 'starting'
  const look = async (): Promise<string | undefined> => {
    looks++
    return reason
  }
  const onChange = (isReady: boolean, why: string): void => void changes.push(`${isReady} ${why}`)
  const readiness = new Readiness({ look, pace: paceOf({ periodSeconds: 2 }), clock, onChange })
  readiness.start()
  await pass(clock, 500)
  assert.ok(looks >= 4, `${looks} looks in the first half second`)
  assert.equal(readiness.isReady, false)
  assert.equal(readiness.reason, 'starting')
  reason = undefined
  await pass(clock, 150)
  assert.deepEqual(changes, ['true '])
  const before = looks
  await pass(clock, 6000)
  assert.equal(looks - before, 3)
  reason = 'broken'
  await pass(clock, 4000)
  assert.equal(readiness.isReady, true)
  await pass(clock, 2000)
  assert.deepEqual(changes, ['true ', 'false broken'])
})

test('an answer that comes after stop changes nothing', async () => {
  const clock = new ManualClock()
  let answer: (reason: string | undefined) => void = () => assert.fail('nobody looks')
  const look = () => new Promise<string | undefined>((resolve) => (answer = resolve))
  const readiness = new Readiness({ look, pace: paceOf({}), clock, onChange: () => assert.fail('changed') })
  readiness.start()
  clock.advance(0)
  readiness.stop()
  answer(undefined)
  await turn()
  assert.equal(readiness.isReady, false)
})
