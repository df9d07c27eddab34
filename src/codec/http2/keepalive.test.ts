import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { FakeSocket } from '../http1/testing/fake-socket.ts'
import type { ClientSink, ResetReason } from '../stream.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { Http2ClientConnection } from './client-connection.ts'
import { flags, frameTypes, preface, settingsPayload, writeFrame } from './frame.ts'
import { defaultHttp2Limits } from './limits.ts'
import { FrameReader } from './testing/frame-reader.ts'
import { requestHead } from './testing/pair.ts'

/** A client with a request under way, whose server is silent. */
class Client {
  readonly socket = new FakeSocket()
  readonly clock = new ManualClock()
  readonly events: string[] = []

  constructor(keepaliveMs: number) {
    const wheel = new TimerWheel({ tickMs: 100, clock: this.clock })
    const owner = { onIdle: () => undefined, onClosed: () => this.events.push('closed') }
    const limits = { ...defaultHttp2Limits, keepaliveMs }
    const connection = new Http2ClientConnection(this.socket.asSocket, { owner, limits, wheel, clock: this.clock })
    this.socket.deliver(writeFrame(frameTypes.settings, 0, 0, settingsPayload([])))
    this.socket.deliver(writeFrame(frameTypes.settings, flags.ack, 0, settingsPayload([])))
    const onReset = (reason: ResetReason, { detail }: { detail: string }): void => {
      this.events.push(`${reason}: ${detail}`)
    }
    connection.request(requestHead(), { onReset } as unknown as ClientSink, true)
  }

  /** @returns the payloads of the PINGs that were sent. */
  async pass(ms: number): Promise<Buffer[]> {
    this.clock.advance(ms)
    await new Promise(setImmediate)
    const pings: Buffer[] = []
    new FrameReader().read(Buffer.concat(this.socket.written).subarray(preface.length), ({ type, payload }) => {
      if (type === frameTypes.ping) pings.push(payload)
    })
    return pings
  }
}

test('a server that is silent is asked for life, and given up without an answer', async () => {
  const client = new Client(20_000)
  assert.equal((await client.pass(19_000)).length, 0)
  assert.equal((await client.pass(16_000)).length, 1)
  assert.deepEqual(client.events, [])
  await client.pass(30_000)
  assert.deepEqual(client.events, ['closed', 'connection-lost: no answer to a PING in 20000 ms'])
  assert.equal(client.socket.destroyed, true)
})

test('a server that answers PINGs may be silent', async () => {
  const client = new Client(20_000)
  let answered = 0
  for (let i = 0; i < 60; i++) {
    const pings = await client.pass(5000)
    for (; answered < pings.length; answered++) {
      client.socket.deliver(writeFrame(frameTypes.ping, flags.ack, 0, pings[answered]!))
    }
  }
  assert.ok(answered > 5, `${answered} PINGs`)
  assert.deepEqual(client.events, [])
})

test('nothing is asked where keepalive is off', async () => {
  const client = new Client(0)
  assert.equal((await client.pass(1_000_000)).length, 0)
  assert.deepEqual(client.events, [])
})
