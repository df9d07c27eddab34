import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { ManualClock } from '#/std/clock.ts'
import {
  RateLimitResponse_Code as Code,
  RateLimitRequestSchema,
  RateLimitResponseSchema,
} from '#/xds/proto/envoy/service/ratelimit/v3/rls_pb.ts'
import { RateLimitUnit } from '#/xds/proto/envoy/type/v3/ratelimit_unit_pb.ts'
import { CallRefusal } from '#/xds/transport/server/grpc-server.ts'
import type { CounterStore } from './counter-store.ts'
import { readLimits } from './limit-config.ts'
import { LimitService, type LimitServiceOptions } from './limit-service.ts'
import { LimitTally } from './limit-tally.ts'
import { MemoryStore } from './memory-store.ts'

const { forest } = readLimits(`domain: shop
descriptors:
  - key: user
    rate_limit: { unit: minute, requests_per_unit: 2 }
  - key: path
    rate_limit: { unit: second, requests_per_unit: 1 }
    shadow_mode: true
`)

const awayStore: CounterStore = {
  isReady: false,
  take: () => Promise.reject(new Error('Redis is away')),
  close: () => undefined,
}

function start({
  onStoreGone = 'allow',
  isAway = false,
}: {
  onStoreGone?: LimitServiceOptions['onStoreGone']
  isAway?: boolean
} = {}) {
  const clock = new ManualClock(600_000)
  const tally = new LimitTally()
  const store = isAway ? awayStore : new MemoryStore({ clock, countersMax: 100 })
  const service = new LimitService({ store, onStoreGone, tally }, forest)
  const ask = async (...descriptors: [string, string][]) => asked(service, { descriptors: descriptors.map(entry) })
  return { clock, tally, service, ask }
}

const entry = ([key, value]: [string, string]) => ({ entries: [{ key, value }] })

async function asked(service: LimitService, init: MessageInitShape<typeof RateLimitRequestSchema>) {
  const request = Buffer.from(
    toBinary(RateLimitRequestSchema, create(RateLimitRequestSchema, { domain: 'shop', ...init })),
  )
  return fromBinary(RateLimitResponseSchema, await service.answer({ request }))
}

test('counts each user apart, and tells limit, remaining and reset', async () => {
  const { ask } = start()
  const [status] = (await ask(['user', 'ada'])).statuses
  assert.equal(status!.currentLimit?.requestsPerUnit, 2)
  assert.equal(status!.limitRemaining, 1)
  assert.equal(status!.durationUntilReset?.seconds, 60n)
  assert.equal((await ask(['user', 'ada'])).overallCode, Code.OK)
  assert.equal((await ask(['user', 'ada'])).overallCode, Code.OVER_LIMIT)
  assert.equal((await ask(['user', 'bob'])).overallCode, Code.OK)
})

test('a shadow refuses nobody and is counted', async () => {
  const { ask, tally } = start()
  await ask(['path', '/'])
  assert.equal((await ask(['path', '/'])).overallCode, Code.OK)
  assert.match(tally.exposition(true), /limit="shop.path",outcome="shadowed"\} 1/)
})

test('what no limit names is granted, beside what one refuses', async () => {
  const { ask } = start()
  await ask(['user', 'ada'])
  await ask(['user', 'ada'])
  const { overallCode, statuses } = await ask(['color', 'red'], ['user', 'ada'])
  assert.equal(overallCode, Code.OVER_LIMIT)
  assert.deepEqual(
    statuses.map(({ code }) => code),
    [Code.OK, Code.OVER_LIMIT],
  )
})

test('a limit that the proxy names goes before the configured one, and hits count as many', async () => {
  const { service } = start()
  const descriptors = [
    { entries: [{ key: 'user', value: 'ada' }], limit: { requestsPerUnit: 10, unit: RateLimitUnit.SECOND } },
  ]
  const first = await asked(service, { descriptors, hitsAddend: 7 })
  assert.equal(first.statuses[0]!.limitRemaining, 3)
  assert.equal((await asked(service, { descriptors, hitsAddend: 7 })).overallCode, Code.OVER_LIMIT)
})

test('without its counters it allows, denies or fails as it was told, and counts that', async () => {
  const open = start({ isAway: true })
  assert.equal((await open.ask(['user', 'ada'])).overallCode, Code.OK)
  assert.match(open.tally.exposition(false), /store_failures_total 1\n/)
  const closed = start({ isAway: true, onStoreGone: 'deny' })
  assert.equal((await closed.ask(['user', 'ada'])).overallCode, Code.OVER_LIMIT)
  assert.equal((await closed.ask(['color', 'red'])).overallCode, Code.OK, 'what has no limit is not refused')
  const passing = start({ isAway: true, onStoreGone: 'fault' })
  await assert.rejects(
    passing.ask(['user', 'ada']),
    (error: unknown) => error instanceof CallRefusal && error.code === 14,
  )
})

test('refuses questions without a domain, without descriptors, and bytes that are none', async () => {
  const { service } = start()
  const isRefusal = (error: unknown): boolean => error instanceof CallRefusal && error.code === 3
  await assert.rejects(asked(service, { domain: '' }), isRefusal)
  await assert.rejects(asked(service, { descriptors: [] }), isRefusal)
  await assert.rejects(service.answer({ request: Buffer.from([0xff]) }), isRefusal)
})

test('in memory no more counters are kept than it may, and those used last stay', async () => {
  const clock = new ManualClock(0)
  const store = new MemoryStore({ clock, countersMax: 2 })
  const limit = { name: 'n', requests: 1, unit: 'hour', windowMs: 3_600_000, isShadow: false } as const
  const take = async (key: string) => (await store.take([{ key, limit, hits: 1 }]))[0]!.isGranted
  assert.deepEqual([await take('a'), await take('b'), await take('a'), await take('c')], [true, true, false, true])
  assert.equal(store.size, 2)
  assert.equal(await take('a'), false, 'b was used before a')
})
