import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceSource, ResourceWatcher } from '#/xds/fetch/resource-source.ts'
import type { ResourceKind } from '#/xds/resources/resource.ts'
import type { LoopOrder } from './loop-message.ts'
import { LoopSubscriptions } from './loop-subscriptions.ts'
import { RelayedSource } from './relayed-source.ts'

/** Both ends, with orders on their way until `deliver` is called. */
function newRelay() {
  const watchers = new Map<string, ResourceWatcher<ResourceKind>>()
  const cancelled: string[] = []
  const inner: ResourceSource = {
    subscribe(_kind, name, watcher) {
      watchers.set(name, watcher as unknown as ResourceWatcher<ResourceKind>)
      return { cancel: () => void cancelled.push(name) }
    },
  }
  const underWay: LoopOrder[] = []
  const subscriptions = new LoopSubscriptions(inner, (order) => underWay.push(structuredClone(order)))
  const source = new RelayedSource((report) => {
    if (report.type === 'subscribe') subscriptions.add(report)
    else if (report.type === 'cancel') subscriptions.cancel(report.id)
  })
  const deliver = (): void => {
    for (const order of underWay.splice(0))
      if (order.type === 'resource' || order.type === 'missing' || order.type === 'synced') source.take(order)
  }
  return { source, watchers, cancelled, deliver, subscriptions }
}

function record(seen: string[]): ResourceWatcher<'assignment'> {
  return {
    onResource: (name, { endpoints }) => void seen.push(`${name} ${endpoints.length}`),
    onMissing: (name) => void seen.push(`missing ${name}`),
    onSynced: () => void seen.push('synced'),
  }
}

const empty = { name: 'a', endpoints: [] }

test('a watcher in the thread hears what the stream tells, in order', () => {
  const { source, watchers, deliver } = newRelay()
  const seen: string[] = []
  source.subscribe('assignment', '*', record(seen))
  const inner = watchers.get('*')!
  inner.onResource('a', empty)
  inner.onMissing('b')
  inner.onSynced?.()
  assert.deepEqual(seen, [], 'never during a call')
  deliver()
  assert.deepEqual(seen, ['a 0', 'missing b', 'synced'])
})

test('who has given up hears no more, not even what was on its way', () => {
  const { source, watchers, cancelled, deliver } = newRelay()
  const seen: string[] = []
  const subscription = source.subscribe('assignment', 'a', record(seen))
  watchers.get('a')!.onResource('a', empty)
  subscription.cancel()
  subscription.cancel()
  deliver()
  assert.deepEqual(seen, [])
  assert.deepEqual(cancelled, ['a'])
})

test('the end of a thread gives up all that it wanted', () => {
  const { source, cancelled, subscriptions } = newRelay()
  for (const name of ['a', 'b']) source.subscribe('assignment', name, record([]))
  subscriptions.close()
  assert.deepEqual(cancelled, ['a', 'b'])
})
