import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { seededRandom } from '#/std/random.ts'
import { TimerWheel, WheelTimer } from './timer-wheel.ts'

test('fires each timer once, not before its time and at most two ticks after', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel({ tickMs: 10, clock })
  const random = seededRandom(3)
  const fired: string[] = []
  for (let i = 0; i < 500; i++) {
    const delayMs = Math.floor(random() * 20_000)
    const timer: WheelTimer = new WheelTimer(() => {
      const late = clock.monotonicMs() - delayMs
      if (late < 0 || late > 20) fired.push(`timer of ${delayMs} ms fired at ${clock.monotonicMs()} (seed 3)`)
      else fired.push('ok')
    })
    wheel.set(timer, delayMs)
  }
  clock.advance(21_000)
  assert.equal(fired.length, 500)
  assert.deepEqual(
    fired.filter((line) => line !== 'ok'),
    [],
  )
  assert.equal(wheel.size, 0)
})

test('does not fire what was cancelled, and moves what is set again', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel({ tickMs: 10, clock })
  const seen: number[] = []
  const moved = new WheelTimer(() => seen.push(clock.monotonicMs()))
  const cancelled = new WheelTimer(() => assert.fail('fired'))
  wheel.set(moved, 50)
  wheel.set(cancelled, 50)
  clock.advance(30)
  wheel.set(moved, 100)
  wheel.cancel(cancelled)
  clock.advance(300)
  assert.equal(seen.length, 1)
  assert.ok(seen[0]! >= 130 && seen[0]! <= 150, String(seen[0]))
})

test('a timer may cancel its neighbour in the same slot', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel({ tickMs: 10, clock })
  const seen: string[] = []
  const a = new WheelTimer(() => {
    seen.push('a')
    wheel.cancel(b)
  })
  const b = new WheelTimer(() => {
    seen.push('b')
    wheel.cancel(a)
  })
  wheel.set(a, 10)
  wheel.set(b, 10)
  clock.advance(100)
  assert.equal(seen.length, 1)
  assert.equal(wheel.size, 0)
})

test('a timer that sets another when it fires gets it in time', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel({ tickMs: 10, clock })
  const seen: number[] = []
  const second = new WheelTimer(() => seen.push(clock.monotonicMs()))
  const first = new WheelTimer(() => wheel.set(second, 50))
  clock.advance(95)
  wheel.set(first, 500)
  clock.advance(2000)
  assert.equal(seen.length, 1)
  assert.ok(seen[0]! >= 645 && seen[0]! <= 665, String(seen[0]))
})

test('a timer that throws does not keep the others from firing', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel({ tickMs: 10, clock })
  let hasFired = false
  wheel.set(
    new WheelTimer(() => {
      throw new Error('broken')
    }),
    10,
  )
  wheel.set(new WheelTimer(() => (hasFired = true)), 30)
  assert.throws(() => clock.advance(20), /broken/)
  clock.advance(100)
  assert.ok(hasFired)
})
