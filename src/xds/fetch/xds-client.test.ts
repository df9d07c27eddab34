import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Backoff } from '#/std/backoff.ts'
import { systemClock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { decoders } from '../resources/decode/decoders.ts'
import type { ResourceKind } from '../resources/resource.ts'
import { AdsServer } from '../serve/ads-server.ts'
import { clusterNamed, fixedSnapshot } from '../testing/fixed-snapshot.ts'
import { GrpcStream } from '../transport/client/grpc-stream.ts'
import { LastGoodFile } from './last-good-file.ts'
import { XdsClient } from './xds-client.ts'
import type { XdsClientOptions } from './xds-client-options.ts'

const log = new Log({ component: 'test', level: 'error' })
const folder = mkdtempSync(join(tmpdir(), 'weft-xds-'))
const opened: { stop(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.stop()
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function startServer(
  address: HostPort = { host: '127.0.0.1', port: 0 },
): Promise<{ server: AdsServer; address: HostPort }> {
  const server = new AdsServer({ clock: systemClock, log })
  const at = await server.listen(address)
  opened.push(server)
  return { server, address: at }
}

function startClient(
  address: HostPort,
  options: Partial<Pick<XdsClientOptions, 'protocol' | 'decoders'>> & { file?: string } = {},
): XdsClient {
  const client = new XdsClient({
    node: { id: 'pod.ns', cluster: 'app', userAgent: 'weft', userAgentVersion: '0', metadata: { namespace: 'ns' } },
    addresses: [address],
    protocol: options.protocol ?? 'delta',
    decoders: options.decoders ?? decoders,
    openStream: (stream) => new GrpcStream(stream),
    backoff: new Backoff({ initialMs: 20, maxMs: 100 }),
    clock: systemClock,
    log,
    ...(options.file
      ? { lastGood: new LastGoodFile({ path: options.file, nodeId: 'pod.ns', clock: systemClock, log }) }
      : {}),
  })
  client.start()
  opened.push(client)
  return client
}

/** Follows a name: what was told of it, in order. */
function follow(client: XdsClient, kind: ResourceKind, name: string): string[] {
  const seen: string[] = []
  client.subscribe(kind, name, {
    onResource: (canonical, value) =>
      void seen.push('connectTimeoutMs' in value ? `${canonical} ${value.connectTimeoutMs}` : canonical),
    onMissing: (canonical) => void seen.push(`missing ${canonical}`),
  })
  return seen
}

async function until(check: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (check()) return
    await pause(10)
  }
  assert.fail(what())
}

for (const protocol of ['delta', 'sotw'] as const) {
  test(`${protocol}: a resource comes, changes and goes`, async () => {
    const { server, address } = await startServer()
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1), clusterNamed('b', 1)] }))
    const client = startClient(address, { protocol })
    const seen = follow(client, 'cluster', 'a')
    await until(
      () => seen.length === 1,
      () => String(seen),
    )
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 2), clusterNamed('b', 2)] }))
    await until(
      () => seen.length === 2,
      () => String(seen),
    )
    server.publish(fixedSnapshot({ cluster: [clusterNamed('b', 3)] }))
    await until(
      () => seen.length === 3,
      () => String(seen),
    )
    assert.deepEqual(seen, ['a 1', 'a 2', 'missing a'])
    assert.equal(client.status.types.cluster.nacks, 0)
  })

  test(`${protocol}: a wildcard subscription follows everything`, async () => {
    const { server, address } = await startServer()
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1)] }))
    const client = startClient(address, { protocol })
    const seen = follow(client, 'cluster', '*')
    await until(
      () => seen.length === 1,
      () => String(seen),
    )
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1), clusterNamed('b', 1)] }))
    await until(
      () => seen.length === 2,
      () => String(seen),
    )
    server.publish(fixedSnapshot({ cluster: [clusterNamed('b', 1)] }))
    await until(
      () => seen.length === 3,
      () => String(seen),
    )
    assert.deepEqual(seen, ['a 1', 'b 1', 'missing a'])
  })

  test(`${protocol}: a NACK names the fault, keeps the last good and the good ones beside it`, async () => {
    const { server, address } = await startServer()
    const picky: typeof decoders = {
      ...decoders,
      cluster: (bytes) => {
        const decoded = decoders.cluster(bytes)
        return decoded.ok && decoded.value.connectTimeoutMs === 13
          ? { ok: false, name: decoded.value.name, faults: ['connect_timeout: bad luck'] }
          : decoded
      },
    }
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1), clusterNamed('b', 1)] }))
    const client = startClient(address, { protocol, decoders: picky })
    const a = follow(client, 'cluster', 'a')
    const b = follow(client, 'cluster', 'b')
    await until(
      () => a.length === 1 && b.length === 1,
      () => `${a} ${b}`,
    )
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 13), clusterNamed('b', 2)] }))
    await until(
      () => b.length === 2,
      () => String(b),
    )
    await until(
      () => server.nacks === 1,
      () => 'the server saw no NACK',
    )
    assert.deepEqual(a, ['a 1'])
    assert.equal(server.clients()[0]!.types.cluster.nack?.message, 'a: connect_timeout: bad luck')
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 2), clusterNamed('b', 2)] }))
    await until(
      () => a.length === 2,
      () => String(a),
    )
    assert.equal(server.clients()[0]!.types.cluster.nack, undefined)
  })

  test(`${protocol}: reconnects by itself and nothing is lost meanwhile`, async () => {
    const first = await startServer()
    first.server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1), clusterNamed('b', 1)] }))
    const client = startClient(first.address, { protocol })
    const a = follow(client, 'cluster', 'a')
    await until(
      () => a.length === 1,
      () => String(a),
    )
    first.server.stop()
    await until(
      () => !client.status.isConnected,
      () => 'still connected',
    )
    const b = follow(client, 'cluster', 'b')
    const second = await startServer(first.address)
    second.server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1), clusterNamed('b', 5)] }))
    await until(
      () => b.length === 1,
      () => String(b),
    )
    assert.deepEqual(a, ['a 1'], 'an unchanged resource is not told again')
  })
}

test('an alias is answered with the canonical name, and a name of nothing is missing until it comes', async () => {
  const { server, address } = await startServer()
  server.publish(fixedSnapshot({ cluster: [clusterNamed('long', 1)] }, { short: 'long' }))
  const client = startClient(address)
  const short = follow(client, 'cluster', 'short')
  const later = follow(client, 'cluster', 'later')
  await until(
    () => short.length === 1 && later.length === 1,
    () => `${short} ${later}`,
  )
  server.publish(fixedSnapshot({ cluster: [clusterNamed('long', 2), clusterNamed('later', 1)] }, { short: 'long' }))
  await until(
    () => short.length === 2 && later.length === 2,
    () => `${short} ${later}`,
  )
  assert.deepEqual(short, ['long 1', 'long 2'])
  assert.deepEqual(later, ['missing later', 'later 1'])
})

test('a name that nobody wants any more is given up', async () => {
  const { server, address } = await startServer()
  server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1)] }))
  const client = startClient(address)
  const told: string[] = []
  const subscription = client.subscribe('cluster', 'a', {
    onResource: (name) => void told.push(name),
    onMissing: () => undefined,
  })
  await until(
    () => told.length === 1,
    () => 'not told',
  )
  subscription.cancel()
  await until(
    () => server.clients()[0]!.types.cluster.names.size === 0,
    () => 'still subscribed',
  )
})

test('a burst of changes reaches a client in few answers', async () => {
  const { server, address } = await startServer()
  server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1)] }))
  const client = startClient(address)
  const seen = follow(client, 'cluster', 'a')
  await until(
    () => seen.length === 1,
    () => String(seen),
  )
  for (let i = 2; i <= 100; i++) server.publish(fixedSnapshot({ cluster: [clusterNamed('a', i)] }))
  await until(
    () => seen.at(-1) === 'a 100',
    () => String(seen),
  )
  assert.ok(seen.length <= 5, `${seen.length} answers for 100 changes in one turn`)
})

test('serves from its file when no control plane can be reached, and ignores a damaged one', async () => {
  const file = join(folder, 'last-good.json')
  const { server, address } = await startServer()
  server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 7)] }, { short: 'a' }))
  const first = startClient(address, { file })
  const seen = follow(first, 'cluster', 'short')
  await until(
    () => seen.length === 1,
    () => String(seen),
  )
  first.stop()
  server.stop()
  const second = startClient(address, { file })
  const again = follow(second, 'cluster', 'short')
  await until(
    () => again.length === 1,
    () => String(again),
  )
  assert.deepEqual(again, ['a 7'])
  second.stop()
  writeFileSync(file, '{"format":1,"node":"pod.ns","checksum":"x","resources":[]}')
  const third = startClient(address, { file })
  assert.deepEqual(third.status.types.cluster.versions, {})
})

for (const protocol of ['delta', 'sotw'] as const) {
  test(`${protocol}: acknowledges an answer no sooner than those who were told have taken it`, async () => {
    const { server, address } = await startServer()
    server.publish(fixedSnapshot({ cluster: [clusterNamed('a', 1)] }))
    const held: (() => void)[] = []
    const client = startClient(address, { protocol })
    client.onTold = (done) => held.push(done)
    const seen = follow(client, 'cluster', 'a')
    await until(
      () => seen.length === 1 && held.length === 1,
      () => `told: ${seen}`,
    )
    const acknowledged = (): number => server.clients()[0]!.types.cluster.acknowledged.size
    assert.equal(acknowledged(), 0)
    held.shift()!()
    await until(
      () => acknowledged() === 1,
      () => 'no ACK came',
    )
  })
}
