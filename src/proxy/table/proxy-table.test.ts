import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  apiListener,
  assignment,
  edsCluster,
  endpoint,
  forwardTo,
  outboundListener,
  route,
  routeTable,
  to,
} from '#/proxy/testing/resources.ts'
import { testUpstream } from '#/proxy/upstream/testing/upstream-context.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import type { Destination } from './destination.ts'
import type { ListenerEntry } from './listener-table.ts'
import { ProxyTable } from './proxy-table.ts'
import { FakeSource } from './testing/fake-source.ts'

const name = 'reviews.shop:80'

interface Setup {
  table: ProxyTable
  source: FakeSource
  clock: ManualClock
  told: string[]
  /** Lets what was said come through. */
  settle(): Promise<void>
  ask(host?: string): Destination
}

function setUp(clusterDiscovery: 'referenced' | 'wildcard' = 'referenced', limits = {}): Setup {
  const source = new FakeSource()
  const clock = new ManualClock()
  const told: string[] = []
  const log = new Log({ component: 'proxy', sink: { write: () => undefined } })
  const upstream = testUpstream({ clock })
  const table = new ProxyTable({
    source,
    upstream,
    clusterDiscovery,
    limits: { destinationIdleMs: 600_000, destinationMissingMs: 10_000, destinationsMax: 3, ...limits },
    log,
    onListener: (entry: ListenerEntry) => void told.push(entry.name),
    onListenerGone: (gone) => void told.push(`gone ${gone}`),
  })
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    table,
    source,
    clock,
    told,
    settle,
    ask: (host = name) => table.destinations.find(host, clock.monotonicMs()),
  }
}

function serve(source: FakeSource, destination: string, port = 1): void {
  source.set('listener', apiListener(destination))
  source.set('route', routeTable(destination, route(forwardTo(destination))))
  source.set('cluster', edsCluster(destination))
  source.set('assignment', assignment(destination, endpoint(port)))
}

test('a destination is ready when listener, routes, cluster and endpoints are all there', async () => {
  const { source, settle, ask } = setUp()
  const destination = ask()
  const answers: string[] = []
  destination.wait({ onDestination: ({ state }) => void answers.push(state) })
  source.set('listener', apiListener(name))
  await settle()
  assert.equal(destination.state, 'waiting')
  source.set('route', routeTable(name, route(forwardTo(name))))
  await settle()
  source.set('cluster', edsCluster(name))
  await settle()
  assert.equal(destination.state, 'waiting')
  assert.deepEqual(answers, [])
  source.set('assignment', assignment(name, endpoint(1)))
  await settle()
  assert.deepEqual(answers, ['ready'])
  assert.deepEqual([...destination.current!.clusters.keys()], [name])
})

test('a cluster without endpoints is ready, with none', async () => {
  const { source, settle, ask } = setUp()
  source.set('listener', apiListener(name))
  source.set('route', routeTable(name, route(forwardTo(name))))
  source.set('cluster', edsCluster(name))
  const destination = ask()
  await settle()
  source.remove('assignment', name)
  await settle()
  assert.equal(destination.state, 'ready')
  assert.equal(destination.current!.clusters.get(name)!.size, 0)
})

test('a first table whose cluster does not exist is in force without it, and with it when it appears', async () => {
  const { source, settle, ask } = setUp()
  source.set('listener', apiListener(name))
  source.set('route', routeTable(name, route(forwardTo('lost'))))
  const destination = ask()
  await settle()
  source.remove('cluster', 'lost')
  await settle()
  assert.equal(destination.state, 'ready')
  assert.equal(destination.current!.clusters.size, 0)
  source.set('cluster', edsCluster('lost'))
  await settle()
  source.set('assignment', assignment('lost', endpoint(1)))
  await settle()
  assert.equal(destination.current!.clusters.size, 1)
})

test('a replacing table that needs what does not exist never takes over', async () => {
  const { table, source, settle, ask } = setUp()
  serve(source, name)
  const destination = ask()
  await settle()
  const before = destination.current
  source.set('route', routeTable(name, route(forwardTo([to(name), to('lost')]))))
  await settle()
  source.remove('cluster', 'lost')
  await settle()
  assert.equal(destination.current, before)
  assert.equal(destination.trouble, 'waits for lost')
  assert.ok(table.clusters.entries.has('lost'))
  // A third version without it goes into force, and the question is taken back.
  source.set('route', routeTable(name, route(forwardTo(name, { timeoutMs: 5 }))))
  await settle()
  assert.notEqual(destination.current, before)
  assert.equal(source.isAsked('cluster', 'lost'), false)
})

test('a cluster that is taken away while a route names it goes on serving', async () => {
  const { source, settle, ask } = setUp()
  serve(source, name)
  const destination = ask()
  await settle()
  source.remove('cluster', name)
  source.remove('assignment', name)
  await settle()
  assert.equal(destination.state, 'ready')
  assert.equal(destination.current!.clusters.get(name)!.size, 1)
})

test('endpoints change in place: the table of a request sees them', async () => {
  const { source, settle, ask } = setUp()
  serve(source, name)
  const destination = ask()
  await settle()
  const { current } = destination
  source.set('assignment', assignment(name, endpoint(7), endpoint(8)))
  await settle()
  assert.equal(destination.current, current)
  assert.equal(current!.clusters.get(name)!.size, 2)
})

test('a destination that moves to other routes keeps the old ones until the new are warm', async () => {
  const { source, settle, ask } = setUp()
  serve(source, name)
  const destination = ask()
  await settle()
  source.set('listener', apiListener(name, `${name}@web`))
  await settle()
  assert.equal(destination.current!.table.configuration.name, name)
  source.set('route', routeTable(`${name}@web`, route(forwardTo(name))))
  await settle()
  assert.equal(destination.current!.table.configuration.name, `${name}@web`)
  assert.equal(source.isAsked('route', name), false)
})

test('a destination that is unknown becomes known as soon as the control plane has it', async () => {
  const { source, settle, ask } = setUp()
  const destination = ask()
  await settle()
  source.remove('listener', name)
  assert.equal(destination.state, 'missing')
  serve(source, name)
  await settle()
  assert.equal(ask(), destination)
  assert.equal(destination.state, 'ready')
})

test('an idle destination is forgotten with all it asked for; a missing one sooner', async () => {
  const { source, settle, ask, clock, table } = setUp()
  serve(source, name)
  ask()
  const missing = ask('nowhere:80')
  await settle()
  source.remove('listener', 'nowhere:80')
  clock.advance(20_000)
  assert.ok(missing.isForgotten)
  assert.deepEqual([...table.destinations.destinations.keys()], [name])
  clock.advance(300_000)
  ask()
  clock.advance(590_000)
  assert.equal(table.destinations.destinations.size, 1)
  clock.advance(20_000)
  assert.equal(table.destinations.destinations.size, 0)
  for (const kind of ['listener', 'route', 'cluster', 'assignment'] as const)
    assert.equal(source.isAsked(kind, name), false)
})

test('the table of destinations has a size: a missing one makes room first, then the one unused for longest', async () => {
  const { source, settle, ask, clock, table } = setUp()
  const names = () => [...table.destinations.destinations.keys()]
  serve(source, 'a:80')
  serve(source, 'b:80')
  for (const host of ['a:80', 'missing:80', 'b:80']) {
    ask(host)
    clock.advance(1)
  }
  await settle()
  source.remove('listener', 'missing:80')
  ask('c:80')
  assert.deepEqual(names(), ['a:80', 'b:80', 'c:80'])
  serve(source, 'c:80')
  await settle()
  ask('d:80')
  assert.deepEqual(names(), ['b:80', 'c:80', 'd:80'])
})

test('with wildcard discovery every cluster and its endpoints are asked for, and routes use them', async () => {
  const { source, settle, ask } = setUp('wildcard')
  source.set('cluster', edsCluster('unused'))
  serve(source, name)
  await settle()
  assert.ok(source.isAsked('assignment', 'unused'))
  assert.equal(source.isAsked('cluster', name), false)
  const destination = ask()
  await settle()
  assert.equal(destination.state, 'ready')
  source.remove('cluster', 'unused')
  assert.equal(source.isAsked('assignment', 'unused'), false)
  source.remove('cluster', name)
  await settle()
  assert.equal(destination.current!.clusters.get(name)!.size, 1)
})

test('a listener is handed over when its routes are warm, a lazy one at once', async () => {
  const { table, source, settle, told } = setUp()
  const routes = (lazy: boolean) => ({
    name: lazy ? 'lazy' : 'eager',
    target: { type: 'routes' as const, routes: { type: 'rds' as const, name } },
    isLazy: lazy,
  })
  source.set('listener', outboundListener(routes(false)))
  source.set('listener', outboundListener(routes(true)))
  await settle()
  assert.deepEqual([...new Set(told)], ['lazy'])
  assert.equal(table.listeners.isReady, false)
  serve(source, name)
  await settle()
  assert.ok(told.includes('eager'))
  assert.ok(table.listeners.isReady)
  const lazy = table.listeners.entries.get('lazy')!
  assert.equal(lazy.current, undefined)
  lazy.wake()
  await settle()
  assert.equal(lazy.current!.table.configuration.name, name)
  source.remove('listener', 'eager')
  assert.equal(told.at(-1), 'gone eager')
})

test('a faulty pattern keeps the last good routes and says which field is wrong', async () => {
  const { source, settle, ask } = setUp()
  serve(source, name)
  const destination = ask()
  await settle()
  const before = destination.current
  const match = { path: { type: 'regex' as const, value: '(' }, headers: [], query: [] }
  source.set('route', routeTable(name, route(forwardTo(name), { match })))
  await import('re2js')
  await settle()
  assert.equal(destination.current, before)
  assert.match(destination.trouble, /route default: match\.path/)
})
