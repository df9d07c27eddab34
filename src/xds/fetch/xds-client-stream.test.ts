import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '#/std/backoff.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { decoders } from '../resources/decode/decoders.ts'
import { typeUrls } from '../resources/resource.ts'
import type { GrpcStreamOptions } from '../transport/client/grpc-stream.ts'
import { XdsClient } from './xds-client.ts'

/** A client whose streams and time a test steers. */
class SteeredClient {
  readonly clock = new ManualClock()
  readonly streams: GrpcStreamOptions[] = []
  readonly sentCounts: number[] = []
  readonly missing: string[] = []
  readonly client: XdsClient

  constructor(protocol: 'delta' | 'sotw') {
    this.client = new XdsClient({
      node: { id: 'pod.ns', cluster: 'app', userAgent: 'weft', userAgentVersion: '0', metadata: {} },
      addresses: [{ host: 'control', port: 1 }],
      protocol,
      decoders,
      openStream: (options) => {
        const at = this.streams.push(options) - 1
        this.sentCounts.push(0)
        return {
          send: () => void this.sentCounts[at]!++,
          close: () => options.onClosed({ code: 1, message: 'cancelled' }),
        }
      },
      backoff: new Backoff({ initialMs: 100, maxMs: 1000, random: () => 0 }),
      clock: this.clock,
      log: new Log({ component: 'test', sink: { write: () => undefined } }),
    })
    this.client.subscribe('cluster', 'a', {
      onResource: () => undefined,
      onMissing: (name) => void this.missing.push(name),
    })
    this.client.start()
  }

  get last(): GrpcStreamOptions {
    return this.streams.at(-1)!
  }
}

test('bytes that are no discovery response end the stream, and the next one asks anew', () => {
  for (const protocol of ['delta', 'sotw'] as const) {
    const steered = new SteeredClient(protocol)
    steered.last.onOpen!()
    steered.last.onMessage(Buffer.from('0aff', 'hex'))
    assert.equal(steered.client.status.isConnected, false)
    steered.clock.advance(100)
    steered.last.onOpen!()
    assert.deepEqual(steered.sentCounts, [1, 1], protocol)
    assert.equal(steered.client.status.isConnected, true)
  }
})

test('silence means missing after 15 seconds of a stream, not of a lost one', () => {
  const steered = new SteeredClient('sotw')
  steered.last.onOpen!()
  steered.clock.advance(10_000)
  steered.last.onClosed({ code: 14, message: 'gone' })
  steered.clock.advance(60_000)
  assert.deepEqual(steered.missing, [])
  steered.last.onOpen!()
  steered.clock.advance(14_999)
  assert.deepEqual(steered.missing, [])
  steered.clock.advance(1)
  assert.deepEqual(steered.missing, ['a'])
})

test('whatever an answer holds, the client goes on, on this stream or the next', () => {
  const steered = new SteeredClient('delta')
  const say = (url: string, rest: number[]): void =>
    steered.last.onMessage(Buffer.concat([Buffer.of(0x22, url.length), Buffer.from(url), Buffer.from(rest)]))
  steered.last.onOpen!()
  for (let i = 0; i < 256; i++) {
    const noise = Array.from({ length: i % 7 }, (_, at) => (i * 31 + at * 17) % 256)
    say(i % 2 === 0 ? typeUrls.cluster : 'type.googleapis.com/a.B', noise)
    if (steered.client.status.isConnected) continue
    steered.clock.advance(1000)
    steered.last.onOpen!()
  }
  assert.ok(steered.streams.length > 1, 'noise was taken for answers')
  const before = steered.sentCounts.at(-1)!
  say(typeUrls.cluster, [])
  assert.equal(steered.sentCounts.at(-1), before + 1, 'an answer was not acknowledged')
  steered.client.stop()
})
