/** The access matrix by a real Envoy: the very bytes that our own proxy gets, and the same verdict. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { messageAsJson } from '#/cli/output/xds-json.ts'
import { encodeCluster } from '#/xds/resources/encode/cluster.ts'
import { encodeListener } from '#/xds/resources/encode/listener.ts'
import { type Call, callsOf, expectedOf, policySets } from '../access-matrix/matrix.ts'
import { configurationOf, nameOf, send } from '../access-matrix/scene.ts'
import { freePort } from '../contract/suite.ts'
import { type EnvoyProcess, startEnvoy } from './envoy.ts'

const heard: string[] = []
const application = createServer((request, answer) => {
  heard.push(request.url ?? '')
  answer.end()
})
const ports: number[] = []
let envoy: EnvoyProcess

/** The system may hand out one twice. */
async function anotherPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (!ports.includes(port)) return port
  }
}

/** One Envoy, a listener a set of policies. */
before(async () => {
  application.listen(0, '127.0.0.1')
  await new Promise((resolve) => application.once('listening', resolve))
  const places = { application: (application.address() as AddressInfo).port, inbound: 1 }
  const listeners: object[] = []
  let cluster: object = {}
  for (const set of policySets) {
    const port = await anotherPort()
    const { listener, clusters } = configurationOf(set, places)
    const name = `inbound ${ports.push(port)}`
    const message = encodeListener({ ...listener, name, address: { host: '127.0.0.1', port } })
    listeners.push(messageAsJson('listener', message) as object)
    cluster = messageAsJson('cluster', encodeCluster(clusters[0]!)) as object
  }
  envoy = await startEnvoy({ static_resources: { listeners, clusters: [cluster] } })
})

after(async () => {
  await envoy?.stop()
  application.close()
  application.closeAllConnections()
})

/** Envoy resolves `..;` as it does `..`, and passes on what it has resolved; ours refuses it. */
function readByEnvoy(call: Call): Call {
  return call.path === '/orders/..;/admin' ? { ...call, plain: '/admin' } : call
}

/** Every third case: a handshake each. */
const step = 3

policySets.forEach((set, index) => {
  const calls = callsOf(set).filter((_, at) => at % step === 0)
  test(`${set.name}: Envoy decides ${calls.length} cases so`, async () => {
    for (const call of calls) {
      heard.length = 0
      const outcome = await send(ports[index]!, call)
      const read = readByEnvoy(call)
      assert.equal(outcome, expectedOf(set, read), nameOf(call))
      if (outcome === 'allowed') assert.deepEqual(heard, [set.seesPaths ? read.plain : call.path], nameOf(call))
    }
  })
})

test('what is audited is told by the name of its rule, and what is denied too', async () => {
  const stats = await envoy.stats('rbac')
  const sumOf = (pattern: RegExp): number =>
    Object.entries(stats).reduce((sum, [name, value]) => (pattern.test(name) ? sum + value : sum), 0)
  assert.ok(sumOf(/weft_audit_.*shadow_denied$/) > 0, JSON.stringify(stats))
  assert.ok(sumOf(/rbac\.denied$/) > 0, JSON.stringify(stats))
})
