/** What retries make of a backend that fails often, and what they cost it (issue 7): many requests over real sockets, by a seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetryPolicy } from '#/model/route.ts'
import { application, reviews, startOutbound } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { forwardTo, route } from '#/proxy/testing/resources.ts'
import { seededRandom } from '#/std/random.ts'

const seed = 20261123
const requests = 4000
const atATime = 32
const retry: RetryPolicy = {
  attempts: 7,
  statuses: [503],
  onConnectFailure: true,
  onReset: true,
  attemptTimeoutMs: 0,
  backoffMs: 1,
}

/** @returns how many of the requests were answered well, and how many attempts came to the backends. */
async function run(
  t: Parameters<typeof application>[0],
  failing: number,
  retryBudget: { percent: number; attemptsMin: number },
) {
  const random = seededRandom(seed)
  const answer: Parameters<typeof application>[2] = (_request, response) => {
    const isWell = random() >= failing
    // It takes its time, so that as many are under way as there are callers.
    setTimeout(() => (isWell ? response.end('well') : response.writeHead(503).end()), 10)
  }
  const apps = [await application(t, 'a', answer), await application(t, 'b', answer)]
  const { proxy } = await startOutbound(t, {
    ports: apps.map(({ port }) => port),
    routes: [route(forwardTo(reviews, { retry }))],
    cluster: { breakers: { retryBudget } },
  })
  let [begun, well] = [0, 0]
  const caller = async (): Promise<void> => {
    while (begun++ < requests) if ((await call(proxy)).status === 200) well++
  }
  await Promise.all(Array.from({ length: atATime }, caller))
  return { well, attempts: apps.reduce((sum, { seen }) => sum + seen.length, 0) }
}

test('callers see 99.9 % of a backend that fails 30 % of calls', async (t) => {
  const { well, attempts } = await run(t, 0.3, { percent: 100, attemptsMin: 3 })
  assert.ok(well >= requests * 0.999, `${well} of ${requests} were answered well, seed ${seed}`)
  // Each failure is tried again: 1 / (1 - 0.3) attempts a request. In bursts nearly all that is under way are retries, so that less would refuse some.
  assert.ok(attempts < requests * 1.5, `${attempts} attempts, seed ${seed}`)
})

test('an outage gets no more than the budget adds to it', async (t) => {
  const { well, attempts } = await run(t, 1, { percent: 20, attemptsMin: 0 })
  assert.equal(well, 0)
  assert.ok(attempts <= requests * 1.25, `${attempts} attempts for ${requests} requests, seed ${seed}`)
  assert.ok(attempts > requests * 1.02, `${attempts} attempts: the budget is used`)
})
