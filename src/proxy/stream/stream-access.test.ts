/** Who may connect, of bytes that carry no request, on real sockets. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { AccessRule, AccessRules } from '#/model/access.ts'
import type { Listener } from '#/model/listener.ts'
import { until } from '#/proxy/testing/engine.ts'
import { closed, open, type Running, serve, startStreams } from '#/proxy/testing/stream.ts'
import type { HostPort } from '#/std/host-port.ts'

const any = { type: 'any' } as const
const here: AccessRule = {
  name: 'AccessPolicy/shop/db rule 0',
  principal: { type: 'address', block: { address: '127.0.0.0', prefixBits: 8 } },
  permission: any,
}
const verified: AccessRule = {
  name: 'AccessPolicy/shop/db rule 1',
  principal: { type: 'authenticated', match: { type: 'prefix', value: 'spiffe://' } },
  permission: any,
}
const getAlone: AccessRule = {
  name: 'AccessPolicy/shop/web rule 0',
  principal: any,
  permission: { type: 'header', match: { name: ':method', type: 'exact', value: 'GET', isInverted: false } },
}

interface Scene extends Running {
  connections: () => number
}

/** An application that greets, as a database does, and answers what it hears as HTTP. */
async function start(
  t: TestContext,
  { protocol, ofStream, ofRequests }: { protocol: 'tcp' | 'auto'; ofStream?: AccessRules; ofRequests?: AccessRules },
): Promise<Scene> {
  let connections = 0
  const port = await serve(t, (socket) => {
    connections++
    socket.on('end', () => socket.end())
    if (protocol === 'tcp') socket.write('hello')
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'))
  })
  const stream = { name: 'in', serverNames: [], backends: [{ type: 'cluster', cluster: 'app', weight: 1 }] } as const
  const listener: Partial<Listener> = {
    protocol,
    streams: [{ ...stream, ...(ofStream ? { access: ofStream } : {}) }],
    ...(ofRequests ? { filters: { access: ofRequests } } : {}),
  }
  return { ...(await startStreams(t, { ports: [port], listener })), connections: () => connections }
}

/** The proxy may break it off before it is told that it is there. @returns what came before. */
async function refused({ host, port }: HostPort): Promise<string> {
  const socket = connect({ host, port })
  let text = ''
  socket.on('data', (chunk) => (text += chunk))
  socket.on('error', () => undefined)
  await closed(socket)
  return text
}

test('a connection that a rule allows is made', async (t) => {
  const { proxy, events } = await start(t, { protocol: 'tcp', ofStream: { deny: [], allow: [here], audit: [here] } })
  const { socket, text } = await open(t, proxy)
  await until(() => text() === 'hello', 'the greeting')
  socket.end()
  await until(() => events.streams.length === 1, 'the record')
  assert.deepEqual([events.streams[0]!.code, events.streams[0]!.auditedBy], ['', here.name])
})

test('a connection that no rule allows, or one denies, reaches nobody, and the record says why', async (t) => {
  const cases: [AccessRules, string, string][] = [
    [{ deny: [], allow: [verified], audit: [] }, 'no_rule_allows', ''],
    [{ deny: [], allow: [], audit: [] }, 'no_rule_allows', ''],
    [{ deny: [here], allow: [here], audit: [] }, 'access_denied', here.name],
  ]
  for (const [ofStream, code, rule] of cases) {
    const { proxy, events, connections } = await start(t, { protocol: 'tcp', ofStream })
    const text = await refused(proxy)
    const [record] = events.streams
    assert.deepEqual([record?.code, record?.deniedBy, record?.flags, text], [code, rule, 'UAEX', ''])
    assert.equal(connections(), 0)
  }
})

test('rules of the listener hold where the stream has none', async (t) => {
  const { proxy, events } = await start(t, { protocol: 'tcp', ofRequests: { deny: [], allow: [], audit: [] } })
  await refused(proxy)
  assert.equal(events.streams[0]?.code, 'no_rule_allows')
})

test('a client that is slow to speak is not dialled for when bytes are not allowed, and may still send a request that is', async (t) => {
  const ofRequests: AccessRules = { deny: [], allow: [getAlone], audit: [] }
  const ofStream: AccessRules = { deny: [], allow: [], audit: [] }
  const { proxy, events, connections } = await start(t, { protocol: 'auto', ofStream, ofRequests })
  const { socket, text } = await open(t, proxy)
  // Longer than the silence after which an endpoint is dialled.
  await new Promise((resolve) => setTimeout(resolve, 40))
  assert.equal(connections(), 0)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(() => text().includes('200 OK'), 'the answer')
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
  await until(() => text().includes('403'), 'the denial')
  assert.deepEqual([events.last?.code, events.last?.deniedBy], ['no_rule_allows', ''])
})
