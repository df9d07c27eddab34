import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { Drain } from './drain.ts'

function setUp(active: number) {
  const clock = new ManualClock()
  const calls: string[] = []
  const listeners = {
    active,
    stopAccepting: (direction: string) => void calls.push(`stop ${direction}`),
    drain: (direction: string) => void calls.push(`drain ${direction}`),
  }
  const log = new Log({ component: 'proxy', sink: { write: () => undefined } })
  const drain = new Drain({ listeners, clock, log, drainDelayMs: 1000, drainMs: 10_000 })
  /** Moves time in small steps, letting promises go on between them. */
  const advance = async (ms: number): Promise<void> => {
    for (let done = 0; done < ms; done += 50) {
      clock.advance(50)
      await Promise.resolve()
      await Promise.resolve()
    }
  }
  return { drain, listeners, calls, advance }
}

test('inbound is taken for a moment after it has become not ready', async () => {
  const { drain, calls, advance } = setUp(0)
  void drain.start()
  assert.ok(drain.isDraining)
  await advance(950)
  assert.deepEqual(calls, [])
  await advance(100)
  assert.deepEqual(calls, ['stop inbound', 'drain inbound'])
  assert.equal(drain.state, 'closing')
})

test('requests under way are waited for, then outbound goes too', async () => {
  const { drain, listeners, calls, advance } = setUp(2)
  let isDone = false
  void drain.start().then(() => (isDone = true))
  await advance(5000)
  assert.equal(isDone, false)
  listeners.active = 0
  await advance(700)
  assert.ok(isDone)
  assert.deepEqual(calls.slice(2), ['stop outbound', 'drain outbound'])
})

test('it ends when the time is over, whatever is under way', async () => {
  const { drain, advance } = setUp(1)
  let isDone = false
  void drain.start().then(() => (isDone = true))
  await advance(9900)
  assert.equal(isDone, false)
  await advance(200)
  assert.ok(isDone)
})

test('asked twice, it drains once', () => {
  const { drain } = setUp(0)
  assert.equal(drain.start(), drain.start())
})
