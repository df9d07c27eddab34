/** Each case has one verdict: what was meant, what `weft access explain` says, what a proxy on real sockets under TLS does. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { decide } from '#/cli/command/access-explain-verdict.ts'
import { startEngine, until } from '#/proxy/testing/engine.ts'
import { decoders } from '#/xds/resources/decode/decoders.ts'
import { encodeListener } from '#/xds/resources/encode/listener.ts'
import { type Call, callsOf, expectedOf, idOf, type Outcome, policySets } from './matrix.ts'
import { configurationOf, nameOf, type SidecarConfiguration, send } from './scene.ts'

/** What the application was asked for: it must be what the rules have seen. */
const heard: string[] = []
const application = createServer((request, answer) => {
  heard.push(request.url ?? '')
  answer.end()
})

before(async () => {
  application.listen(0, '127.0.0.1')
  await new Promise((resolve) => application.once('listening', resolve))
})

after(() => {
  application.close()
  application.closeAllConnections()
})

async function explained({ port }: SidecarConfiguration, call: Call): Promise<Outcome> {
  const { method, path, headers, caller } = call
  const request = { method, path, headers, authority: 'Orders.shop.:80' }
  const { isAllowed, code } = await decide(port, { caller: idOf(caller), address: '127.0.0.1', request })
  return isAllowed ? 'allowed' : code === 'ambiguous_path' ? 'refused' : 'denied'
}

const places = () => ({ application: (application.address() as AddressInfo).port, inbound: 1 })

for (const set of policySets) {
  const calls = callsOf(set)
  test(`${set.name}: ${calls.length} cases are explained as they were meant`, async () => {
    const configuration = configurationOf(set, places())
    for (const call of calls) assert.equal(await explained(configuration, call), expectedOf(set, call), nameOf(call))
  })
}

/** Every eleventh case: a handshake each. */
const step = 11

for (const set of policySets)
  test(`${set.name}: a proxy decides so on its sockets, and passes on what its rules have seen`, async (t) => {
    const { listener, clusters } = configurationOf(set, places())
    const carried = decoders.listener(encodeListener({ ...listener, address: { host: '127.0.0.1', port: 0 } }))
    assert.ok(carried.ok, JSON.stringify(carried))
    const engine = startEngine()
    t.after(() => engine.close())
    for (const cluster of clusters) engine.source.set('cluster', cluster)
    engine.source.set('listener', carried.value)
    await until(() => engine.engine.listeners.status.some(({ isBound }) => isBound), 'the listener')
    const { port } = engine.address(listener.name)
    const calls = callsOf(set).filter((_, index) => index % step === 0)
    for (const call of calls) {
      heard.length = 0
      const outcome = await send(port, call)
      assert.equal(outcome, expectedOf(set, call), nameOf(call))
      if (outcome === 'allowed') assert.deepEqual(heard, [set.seesPaths ? call.plain : call.path], nameOf(call))
    }
    const denied = engine.events.records.filter(({ status }) => status === 403)
    for (const { code, flags, deniedBy } of denied) {
      assert.equal(flags, 'UAEX')
      assert.equal(code, deniedBy === '' ? 'no_rule_allows' : 'access_denied')
    }
  })
