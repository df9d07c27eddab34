import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { WorkloadAddresses } from '#/up/mesh-event.ts'
import { isAlive, until } from '#/up/testing/until.ts'
import { Caller, getAs, getThrough, LaptopMesh } from './testing/laptop-mesh.ts'

/** One mesh for the stories that leave it whole. */
let mesh: LaptopMesh
let workloads: WorkloadAddresses[]
const workload = (name: string): WorkloadAddresses => workloads.find((one) => one.name === name)!

before(async () => {
  mesh = new LaptopMesh('hello')
  workloads = (await mesh.ready()).workloads
})
after(() => mesh.stop())

const hello = () => getThrough(workload('web').outbound!, 'http://greeting.hello/')

test('the ready line holds every address and every process', async () => {
  const { control, workloads, ...rest } = await mesh.ready()
  assert.deepEqual(rest, { event: 'ready' })
  assert.deepEqual(Object.keys(control), ['pid', 'xds', 'api'])
  assert.deepEqual(workloads.map(({ name }) => name).sort(), ['greeting-v1', 'greeting-v2', 'web'])
  for (const { pids, app, inbound, outbound, admin, ...names } of workloads) {
    assert.deepEqual(Object.keys(names), ['namespace', 'name', 'pod'])
    for (const url of [app, inbound, outbound, admin]) assert.match(url!, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.ok(isAlive(pids.app!) && isAlive(pids.sidecar!))
  }
})

test('the outbound address takes calls as an HTTP proxy and by Host', async () => {
  assert.deepEqual(await hello(), { status: 200, body: 'Hello, world\n' })
  assert.deepEqual(await getAs(workload('web').outbound!, 'greeting.hello'), { status: 200, body: 'Hello, world\n' })
  assert.equal((await getAs(workload('web').outbound!, 'nobody.hello')).status, 404)
})

test('an application calls others by name through its sidecar', async () => {
  assert.deepEqual(await getAs(workload('web').inbound!, 'web.hello'), {
    status: 200,
    body: 'web says: Hello, world\n',
  })
})

test('an explicit listener leads to its Service whatever the Host', async () => {
  const pods = join(stateFolder(), 'pods')
  const file = readdirSync(pods).find((name) => name.startsWith('hello_web'))!
  const pod = JSON.parse(readFileSync(join(pods, file), 'utf8'))
  const explicit = JSON.parse(pod.metadata.annotations['weft.dev/explicit'])
  const address = `http://${explicit['greeting.hello.svc.cluster.local:80']}`
  assert.deepEqual(await getAs(address, 'whatever'), { status: 200, body: 'Hello, world\n' })
})

test('a weight that is saved is in force within a second, without a failed request', async () => {
  const caller = new Caller(hello)
  await until(() => caller.count > 20, 'some calls are through')
  const since = mesh.events.length
  mesh.edit('route.yaml', (text) => text.replace(/weight: (\d+)/g, (_, weight) => `weight: ${100 - Number(weight)}`))
  const startMs = performance.now()
  await until(async () => (await hello()).body === 'Good day, world\n', 'the new version answers')
  const tookMs = performance.now() - startMs
  assert.ok(tookMs < 1000, `it took ${tookMs} ms`)
  const live = await mesh.event('live', ({ object }) => object === 'HTTPRoute/hello/greeting', since)
  assert.equal(live.live, live.needed)
  assert.deepEqual(Object.keys(await caller.stop()).sort(), ['200 Good day, world', '200 Hello, world'])
})

test('an application that ends is started again on the same addresses', async () => {
  const since = mesh.events.length
  const { pod, pids } = workload('greeting-v2')
  process.kill(pids.app!, 'SIGKILL')
  const crash = await mesh.event('crashed', (event) => event.pod === pod, since)
  assert.equal(crash.exit, 'killed by SIGKILL')
  assert.ok(crash.restartInMs <= 200)
  const isBack = (event: { workload: WorkloadAddresses; change: string }) =>
    event.workload.pod === pod && event.change === 'ready'
  const { workload: back } = await mesh.event('workload', isBack, since)
  assert.notEqual(back.pids.app, pids.app)
  assert.equal(back.app, workload('greeting-v2').app)
  await until(async () => (await hello()).status === 200, 'it answers again')
})

test('a sidecar that ends is started again on the same addresses, and its replica is not ready meanwhile', async () => {
  const since = mesh.events.length
  const { pod, pids, inbound } = workload('web')
  process.kill(pids.sidecar!, 'SIGKILL')
  await mesh.event('workload', (event) => event.workload.pod === pod && event.change === 'not-ready', since)
  const { workload: back } = await mesh.event(
    'workload',
    (event) => event.workload.pod === pod && event.change === 'ready',
    since,
  )
  assert.deepEqual([back.inbound, back.pids.app], [inbound, pids.app])
  assert.notEqual(back.pids.sidecar, pids.sidecar)
  assert.equal((await hello()).status, 200)
})

test('traffic goes on while the control plane is away, and it comes back where it was', async () => {
  const { control } = await mesh.ready()
  const since = mesh.events.length
  const caller = new Caller(hello)
  process.kill(control.pid!, 'SIGKILL')
  const isReady = (event: { change: string }) => event.change === 'ready'
  const { control: back } = await mesh.event('control', isReady, since)
  assert.deepEqual(Object.keys(await caller.stop()), ['200 Good day, world'])
  assert.deepEqual({ ...back, pid: 0 }, { ...control, pid: 0 })
  const inForce = async () => {
    const { code, output } = await mesh.run('proxy', 'status', '-o', 'json')
    return (
      code === 0 &&
      JSON.parse(output).length === 3 &&
      JSON.parse(output).every((one: { isSynced: boolean }) => one.isSynced)
    )
  }
  await until(inForce, 'all proxies are back')
})

test('a mistake in the YAML is told with its place, nothing else is disturbed, and mending it is told too', async () => {
  const since = mesh.events.length
  mesh.edit('route.yaml', (text) => text.replace('backendRefs:', 'backendRef:'))
  const fault = await mesh.event('fault', ({ severity }) => severity === 'error', since)
  assert.equal(fault.file, join(mesh.folder, 'route.yaml'))
  assert.match(fault.field, /backendRef/)
  assert.ok(fault.line > 1 && fault.message && fault.cure)
  assert.deepEqual(await hello(), { status: 200, body: 'Good day, world\n' })
  mesh.edit('route.yaml', (text) => text.replace('backendRef:', 'backendRefs:'))
  await mesh.event('mended', ({ code }) => code === fault.code, since)
})

test('replicas follow the number in the YAML, up and down, without a failed request', async () => {
  const caller = new Caller(hello)
  const since = mesh.events.length
  const isOf = (name: string, change: string) => (event: { change: string; workload: WorkloadAddresses }) =>
    event.change === change && event.workload.name === name
  mesh.edit('hello.yaml', (text) => replicas(text, 'greeting-v2', 2))
  const { workload: second } = await mesh.event('workload', isOf('greeting-v2', 'ready'), since)
  assert.match(second.pod, /-1$/)
  mesh.edit('hello.yaml', (text) => replicas(text, 'greeting-v2', 1))
  await mesh.event('workload', isOf('greeting-v2', 'draining'), since)
  await mesh.event('workload', isOf('greeting-v2', 'gone'), since)
  assert.deepEqual(Object.keys(await caller.stop()), ['200 Good day, world'])
})

test('a changed Deployment is replaced: the new one is ready before the old one goes, without a failed request', async () => {
  const caller = new Caller(hello)
  const since = mesh.events.length
  mesh.edit('hello.yaml', (text) => text.replace('value: Good day', 'value: Good evening'))
  const changes = () => mesh.events.slice(since).flatMap((one) => (one.event === 'workload' ? [`${one.change}`] : []))
  await until(() => changes().includes('gone'), 'the old one is gone')
  assert.deepEqual(changes(), ['starting', 'ready', 'draining', 'gone'])
  assert.deepEqual(Object.keys(await caller.stop()).sort(), ['200 Good day, world', '200 Good evening, world'])
})

test('a Deployment in a new file is started, and goes with its file', async () => {
  const since = mesh.events.length
  const file = join(mesh.folder, 'extra.yaml')
  writeFileSync(file, extraDeployment)
  const { workload: extra } = await mesh.event(
    'workload',
    ({ change, workload }) => change === 'ready' && workload.name === 'extra',
    since,
  )
  assert.equal((await getAs(extra.app!, 'extra')).status, 200)
  rmSync(file)
  await mesh.event('workload', ({ change, workload }) => change === 'gone' && workload.name === 'extra', since)
  assert.ok(!isAlive(extra.pids.app!) && !isAlive(extra.pids.sidecar!))
})

test('a workload whose program is missing is left out with a word', async () => {
  const since = mesh.events.length
  writeFileSync(join(mesh.folder, 'missing.yaml'), extraDeployment.replace('[node, greeting.mjs]', '[no-such-program]'))
  const left = await mesh.event('left-out', ({ name }) => name === 'extra', since)
  assert.match(left.reason, /no-such-program is not on this machine/)
  rmSync(join(mesh.folder, 'missing.yaml'))
})

test('the command line finds the running mesh by itself', async () => {
  const status = await mesh.run('proxy', 'status')
  assert.equal(status.code, 0)
  assert.match(status.output, /^PROXY +AGENT +STATE/)
  const config = await mesh.run('proxy', 'config', 'web', '--type', 'endpoint', '-o', 'json')
  assert.equal(config.code, 0)
  assert.ok(JSON.parse(config.output).some(({ cluster }: { cluster: string }) => cluster === 'inbound:8080'))
  const unknown = await mesh.run('proxy', 'config', 'nobody')
  assert.equal(unknown.code, 2)
  assert.match(unknown.errors, /no proxy is called nobody\nThere are .*greeting-v1, greeting-v2, web;/)
})

test('a second `weft up` of the same directory is refused', async () => {
  const { code, errors } = await mesh.run('up', mesh.folder)
  assert.equal(code, 1)
  assert.match(errors, /runs already, in process \d+/)
})

test('Ctrl-C ends every process and says so', async () => {
  const pids = mesh.pids()
  assert.ok(pids.length >= 7)
  mesh.process.kill('SIGINT')
  await until(() => mesh.exit !== undefined, 'weft up has ended')
  assert.deepEqual(mesh.exit, { code: 0, signal: null })
  assert.deepEqual(pids.filter(isAlive), [])
  assert.equal(mesh.events.at(-1)!.event, 'stopped')
  assert.equal(existsSync(join(stateFolder(), 'up.json')), false)
})

test('kill -9 of the supervisor leaves no process behind', async () => {
  const killed = new LaptopMesh('hello')
  try {
    await killed.ready()
    const pids = killed.pids()
    assert.ok(pids.length >= 7 && pids.every(isAlive))
    killed.process.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 'all processes have ended')
  } finally {
    await killed.stop()
  }
})

function stateFolder(): string {
  const root = join(mesh.environment.XDG_STATE_HOME!, 'weft')
  return join(root, readdirSync(root)[0]!)
}

/** Sets `spec.replicas` of one Deployment of the example. */
function replicas(text: string, name: string, count: number): string {
  const documents = text
    .split('---\n')
    .map((document) =>
      document.includes('kind: Deployment') && document.includes(`name: ${name}\n`)
        ? document.replace(/ {2}replicas: \d+\n/, '').replace('spec:\n', `spec:\n  replicas: ${count}\n`)
        : document,
    )
  return documents.join('---\n')
}

const extraDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: extra, namespace: hello }
spec:
  selector: { matchLabels: { app: extra } }
  template:
    metadata: { labels: { app: extra } }
    spec:
      containers:
        - name: extra
          command: [node, greeting.mjs]
          ports: [{ containerPort: 8080 }]
`
