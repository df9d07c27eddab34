/** Answers that ask their callers to wait, over real sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetryPolicy } from '#/model/route.ts'
import { application, reviews, startOutbound } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { forwardTo, route } from '#/proxy/testing/resources.ts'

const retry: RetryPolicy = {
  attempts: 2,
  statuses: [503],
  grpcStatuses: [14],
  onConnectFailure: true,
  onReset: true,
  attemptTimeoutMs: 0,
  backoffMs: 1,
}
const routes = [route(forwardTo(reviews, { retry }))]

/** Its first answer is 503 with these headers, all others are good. */
async function shy(t: Parameters<typeof application>[0], headers: Record<string, string>) {
  const cameMs: number[] = []
  const app = await application(t, 'a', (_request, response) => {
    cameMs.push(performance.now())
    if (cameMs.length === 1) response.writeHead(503, headers).end('busy')
    else response.end('well')
  })
  return { app, cameMs }
}

test('a server that asks for a second gets it, and then the request again', async (t) => {
  const { app, cameMs } = await shy(t, { 'retry-after': '1' })
  const { proxy, events } = await startOutbound(t, { ports: [app.port], routes })
  assert.equal((await call(proxy)).body, 'well')
  assert.ok(cameMs[1]! - cameMs[0]! >= 990, `${cameMs[1]! - cameMs[0]!} ms between them`)
  assert.equal(events.last!.attempts, 2)
})

for (const headers of [{ 'retry-after': '3600' }, { 'grpc-retry-pushback-ms': '-1' }] as Record<string, string>[])
  test(`a server that asks not to be asked again soon is not: ${JSON.stringify(headers)}`, async (t) => {
    const { app } = await shy(t, headers)
    const { proxy, events } = await startOutbound(t, { ports: [app.port], routes })
    const { status, body } = await call(proxy)
    assert.deepEqual([status, body, events.last!.attempts], [503, 'busy', 1])
  })

test('a POST is sent again when it has a key that makes it one, and not otherwise', async (t) => {
  const plain = await shy(t, {})
  const without = await startOutbound(t, { ports: [plain.app.port], routes })
  assert.equal((await call(without.proxy, { method: 'POST', body: 'pay' })).status, 503)
  assert.deepEqual(plain.app.bodies, ['pay'])
  const keyed = await shy(t, {})
  const within = await startOutbound(t, { ports: [keyed.app.port], routes })
  const headers = { 'idempotency-key': '"8e03978e-40d5-43e8-bc93-6894a57f9324"' }
  assert.equal((await call(within.proxy, { method: 'POST', body: 'pay', headers })).status, 200)
  assert.deepEqual(keyed.app.bodies, ['pay', 'pay'])
})
