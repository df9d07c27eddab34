import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import type { ResourceSource, ResourceWatcher } from '#/xds/fetch/resource-source.ts'
import type { ResourceKind } from '#/xds/resources/resource.ts'
import type { LoopThreadOwner } from './event-loop.ts'
import { LimitTable, type LimitTableShape } from './limit-table.ts'
import type { LoopOrder } from './loop-message.ts'
import { LoopSet } from './loop-set.ts'

interface FakeThread {
  loop: number
  limits: LimitTableShape
  owner: LoopThreadOwner
  orders: LoopOrder[]
}

class FakeSource implements ResourceSource {
  readonly watchers = new Map<string, ResourceWatcher<ResourceKind>>()

  subscribe<K extends ResourceKind>(_kind: K, name: string, watcher: ResourceWatcher<K>) {
    this.watchers.set(name, watcher as unknown as ResourceWatcher<ResourceKind>)
    return { cancel: () => void this.watchers.delete(name) }
  }
}

function newSet(loops = 2) {
  const clock = new ManualClock()
  const threads: FakeThread[] = []
  const gone: number[] = []
  const source = new FakeSource()
  const set = new LoopSet({
    loops,
    spawn(loop, limits, owner) {
      const thread: FakeThread = { loop, limits, owner, orders: [] }
      threads.push(thread)
      return { order: (order) => thread.orders.push(order) }
    },
    source,
    clock,
    random: () => 0,
    log: new Log({ component: 'test', level: 'error', sink: { write: () => undefined } }),
    onLogLine: () => undefined,
    onLines: () => undefined,
    onLoopGone: (loop) => gone.push(loop),
  })
  set.start()
  /** As a loop of which configuration is wanted. */
  const follow = (thread: FakeThread): void =>
    thread.owner.onReport({ type: 'subscribe', id: 1, kind: 'listener', name: `of ${thread.loop}` })
  const last = <T extends LoopOrder['type']>(thread: FakeThread, type: T) =>
    thread.orders.findLast((order): order is Extract<LoopOrder, { type: T }> => order.type === type)
  return { set, clock, threads, gone, source, follow, last }
}

test('what was told is taken when all loops have said so, in the order in which it was told', () => {
  const { set, threads, follow, last } = newSet()
  const [a, b] = threads as [FakeThread, FakeThread]
  const taken: number[] = []
  set.settle(() => taken.push(0))
  assert.deepEqual(taken, [0], 'nobody follows yet')
  follow(a)
  follow(b)
  for (const each of [1, 2]) set.settle(() => taken.push(each))
  const { mark } = last(a, 'mark')!
  a.owner.onReport({ type: 'taken', mark: mark - 1 })
  a.owner.onReport({ type: 'taken', mark })
  assert.deepEqual(taken, [0])
  b.owner.onReport({ type: 'taken', mark: mark - 1 })
  assert.deepEqual(taken, [0, 1])
  b.owner.onReport({ type: 'taken', mark })
  assert.deepEqual(taken, [0, 1, 2])
})

test('a loop that dies is waited for no longer, gives up what it wanted, and leaves its limits', () => {
  const { set, threads, gone, source, follow } = newSet()
  const [a, b] = threads as [FakeThread, FakeThread]
  for (const thread of [a, b]) follow(thread)
  assert.deepEqual([...source.watchers.keys()], ['of 0', 'of 1'])
  const limits = [new LimitTable(a.limits, 0), new LimitTable(b.limits, 1)].map((table) => table.open('x'))
  assert.equal(limits[0]!.take(1), true)
  assert.equal(limits[1]!.take(1), false)
  let isTaken = false
  let told: readonly unknown[] = []
  set.settle(() => {
    isTaken = true
  })
  set.ask('metrics', (facts) => {
    told = facts
  })
  b.owner.onReport({ type: 'taken', mark: 1 })
  b.owner.onReport({ type: 'told', id: 1, facts: 'b' })
  assert.equal(isTaken, false)
  a.owner.onExit('exit code 7')
  assert.equal(isTaken, true)
  assert.deepEqual(told, [undefined, 'b'])
  assert.deepEqual(gone, [0])
  assert.deepEqual([...source.watchers.keys()], ['of 1'])
  assert.equal(limits[1]!.take(1), true)
})

test('a dead loop is started again after growing waits, and its late words are not heard', () => {
  const { set, clock, threads } = newSet()
  const waits: number[] = []
  for (let i = 0; i < 4; i++) {
    const born = threads.length
    threads.at(-1)!.owner.onExit('exit code 1')
    const beganMs = clock.monotonicMs()
    while (threads.length === born) clock.advance(10)
    waits.push(clock.monotonicMs() - beganMs)
  }
  assert.deepEqual(waits, [50, 100, 200, 400])
  assert.equal(set.restarts, 4)
  threads[1]!.owner.onReport({ type: 'readiness', isReady: true, detail: '' })
  assert.match(set.unreadiness, /event loop 0/)
  threads[0]!.owner.onReport({ type: 'readiness', isReady: true, detail: '' })
  assert.match(set.unreadiness, /event loop 1: is being started/)
})

test('is ready when all loops are, and stays so when one dies', () => {
  const { set, threads } = newSet()
  for (const { owner } of threads) {
    assert.equal(set.isReady, false)
    owner.onReport({ type: 'readiness', isReady: true, detail: '' })
  }
  assert.equal(set.isReady, true)
  assert.equal(set.unreadiness, '')
  threads[0]!.owner.onExit('exit code 7')
  assert.equal(set.isReady, true)
})

test('a loop that does not answer is left out of what is read after a second', () => {
  const { set, clock, threads } = newSet()
  let told: readonly unknown[] | undefined
  set.ask('dump', (facts) => {
    told = facts
  })
  threads[0]!.owner.onReport({ type: 'told', id: 1, facts: 'a' })
  clock.advance(999)
  assert.equal(told, undefined)
  clock.advance(1)
  assert.deepEqual(told, ['a', undefined])
  threads[1]!.owner.onReport({ type: 'told', id: 1, facts: 'late' })
  assert.deepEqual(told, ['a', undefined])
})

test('while draining, a loop that has yet to tell may have a request, and a dead one has none and stays dead', () => {
  const { set, clock, threads } = newSet()
  set.stopAccepting('inbound')
  set.drain('inbound')
  assert.equal(set.active, 2)
  threads[0]!.owner.onReport({ type: 'active', count: 3 })
  assert.equal(set.active, 4)
  threads[1]!.owner.onExit('exit code 7')
  assert.equal(set.active, 3)
  clock.advance(60_000)
  assert.equal(threads.length, 2)
})

test('the end comes when every loop has said its last word, or has had its time', async () => {
  const { set, clock, threads } = newSet()
  let isClosed = false
  const closed = set.close().then(() => {
    isClosed = true
  })
  threads[0]!.owner.onReport({ type: 'closed' })
  await Promise.resolve()
  assert.equal(isClosed, false)
  clock.advance(1000)
  await closed
})

test('who wants some of a limit is heard by the other loops', () => {
  const { threads, last } = newSet(3)
  threads[1]!.owner.onReport({ type: 'stir', key: 'x' })
  assert.deepEqual(
    threads.map((thread) => last(thread, 'stir')?.key),
    ['x', undefined, 'x'],
  )
})
