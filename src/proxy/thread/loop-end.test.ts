import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { LimitTable, newLimitTable } from './limit-table.ts'
import { LoopEnd } from './loop-end.ts'
import type { LoopReport } from './loop-message.ts'
import { RelayedSource } from './relayed-source.ts'

function newEnd() {
  const clock = new ManualClock()
  const reports: LoopReport[] = []
  const done: string[] = []
  const report = (told: LoopReport): void => void reports.push(told)
  const listeners = {
    active: 2,
    stopAccepting: (direction: string) => void done.push(`stop ${direction}`),
    drain: (direction: string) => void done.push(`drain ${direction}`),
  }
  const engine = { isReady: false, unreadiness: 'first reason', listeners, close: () => void done.push('close') }
  const log = { level: 'info' as const }
  const limits = new LimitTable(newLimitTable(2), 0)
  const end = new LoopEnd({
    engine,
    source: new RelayedSource(report),
    limits,
    log,
    clock,
    report,
    factsOf: (topic) => `facts of ${topic}`,
    onClose: () => void done.push('lines'),
  })
  return { end, engine, clock, reports, done, log, limits }
}

test('tells why it is not ready when the reason changes, and that it is, once', () => {
  const { end, engine, clock, reports } = newEnd()
  end.start()
  clock.advance(100)
  engine.unreadiness = 'another reason'
  clock.advance(100)
  engine.isReady = true
  engine.unreadiness = ''
  clock.advance(100)
  assert.deepEqual(
    reports.map((report) => report.type === 'readiness' && [report.isReady, report.detail]),
    [
      [false, 'first reason'],
      [false, 'another reason'],
      [true, ''],
    ],
  )
})

test('answers what it is asked, and carries out what it is told', () => {
  const { end, reports, done, log } = newEnd()
  end.take({ type: 'mark', mark: 5 })
  end.take({ type: 'tell', id: 6, topic: 'metrics' })
  end.take({ type: 'log-level', level: 'debug' })
  end.take({ type: 'stop-accepting', direction: 'inbound' })
  assert.deepEqual(reports, [
    { type: 'taken', mark: 5 },
    { type: 'told', id: 6, facts: 'facts of metrics' },
  ])
  assert.equal(log.level, 'debug')
  assert.deepEqual(done, ['stop inbound'])
})

test('tells how many requests are under way once it drains, until it is closed', () => {
  const { end, engine, clock, reports, done } = newEnd()
  clock.advance(1000)
  assert.deepEqual(reports, [])
  end.take({ type: 'drain', direction: 'inbound' })
  engine.listeners.active = 0
  clock.advance(25)
  end.take({ type: 'drain', direction: 'outbound' })
  end.take({ type: 'close' })
  end.take({ type: 'close' })
  clock.advance(1000)
  assert.deepEqual(reports, [{ type: 'active', count: 2 }, { type: 'active', count: 0 }, { type: 'closed' }])
  assert.deepEqual(done, ['drain inbound', 'drain outbound', 'close', 'lines'])
})

test('wakes those who wait for a limit, and tells when its own want some', () => {
  const { end, reports, limits } = newEnd()
  const limit = limits.open('x')
  let woken = 0
  limit.watchers.add(() => woken++)
  end.take({ type: 'stir', key: 'x' })
  assert.equal(woken, 1)
  limit.stir()
  assert.deepEqual(reports, [{ type: 'stir', key: 'x' }])
})
