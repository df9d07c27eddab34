import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KindName } from '#/api/kinds.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { ResourceTable } from '../source/resource-table.ts'
import type { Resources, Sourced } from '../source/resources.ts'
import type { AuditEntry } from './audit-entry.ts'
import { AuditLog } from './audit-log.ts'
import { ChangeWatch } from './change-watch.ts'

const startMs = Date.UTC(2026, 10, 23, 12)

function object(spec: unknown, metadata: object = {}): Sourced<never> {
  const origin = { file: 'access.yaml', line: 4, column: 1 }
  const value = { metadata: { name: 'orders', namespace: 'shop', ...metadata }, spec }
  return { value: value as never, origin, locate: () => origin }
}

function resources(objects: Partial<Record<KindName, Sourced<never>>>): Resources {
  const byKind = Object.entries(objects).map(
    ([kind, one]) => [kind as KindName, new Map([['shop/orders', one]])] as const,
  )
  return new ResourceTable(new Map(byKind))
}

/** What is told after each of the configurations, the first of which is where it begins. */
async function told(...steps: Resources[]): Promise<AuditEntry[]> {
  const audit = new AuditLog({ log: new Log({ component: 'test', sink: { write: () => undefined } }) })
  const clock = new ManualClock(startMs)
  const watch = new ChangeWatch({ audit, clock })
  for (const step of steps) {
    watch.follow(step)
    clock.advance(1000)
  }
  return (await audit.read({ fromMs: 0, max: 100 })).reverse()
}

test('tells what came, changed and went, and where it stands', async () => {
  const before = object({ action: 'Allow' })
  const entries = await told(
    resources({}),
    resources({ AccessPolicy: before }),
    resources({ AccessPolicy: before }),
    resources({ AccessPolicy: object({ action: 'Deny' }) }),
    resources({}),
  )
  const common = { type: 'change', object: 'AccessPolicy/shop/orders', by: 'access.yaml:4' }
  const at = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString()
  assert.deepEqual(entries, [
    { type: 'start', at: at(0), objects: 0 },
    { ...common, at: at(1), change: 'created', generation: 1, fields: [{ path: 'spec', after: { action: 'Allow' } }] },
    {
      ...common,
      at: at(3),
      change: 'changed',
      generation: 2,
      fields: [{ path: 'spec.action', before: 'Allow', after: 'Deny' }],
    },
    { ...common, at: at(4), change: 'deleted', generation: 3, fields: [{ path: 'spec', before: { action: 'Deny' } }] },
  ])
})

test('what controllers write, and what was only read again, is no change', async () => {
  const entries = await told(
    resources({ Pod: object({ a: 1 }), AccessPolicy: object({ a: 1 }) }),
    resources({ Pod: object({ a: 2 }), EndpointSlice: object({ a: 2 }), AccessPolicy: object({ a: 1 }) }),
  )
  assert.deepEqual(
    entries.map(({ type }) => type),
    ['start'],
  )
})

test('in a cluster it was the last manager, and the generation is the API server’s', async () => {
  const managedFields = [
    { manager: 'argocd', time: '2026-11-23T11:00:00Z' },
    { manager: 'kubectl-edit', time: '2026-11-23T11:30:00Z' },
    { manager: 'weft-control', time: '2026-11-23T11:45:00Z', subresource: 'status' },
  ]
  const [, entry] = await told(resources({}), resources({ AccessPolicy: object({}, { generation: 7, managedFields }) }))
  assert.ok(entry?.type === 'change')
  assert.deepEqual([entry.by, entry.generation], ['kubectl-edit', 7])
})
