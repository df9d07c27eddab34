/** Our proxy under a control plane that is not ours: routes as Envoy would, follows changes, refuses by name. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseHostPort } from '#/std/host-port.ts'
import { type EchoBackend, startEchoBackend } from '../contract/echo-backend.ts'
import { closeClients, send } from '../contract/http-client.ts'
import { eventually, freePort } from '../contract/suite.ts'
import { startWeftProxy, type WeftProxy } from '../contract/weft-proxy.ts'
import { type ForeignCommand, ForeignControlPlane, foreignNodeId } from './foreign-control-plane.ts'

after(() => closeClients())

for (const protocol of ['delta', 'sotw'] as const) {
  describe(`under go-control-plane, ${protocol}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-foreign-'))
    let control: ForeignControlPlane
    let proxy: WeftProxy | undefined
    let backends: EchoBackend[] = []
    let port = 0
    let command: ForeignCommand

    before(async () => {
      backends = await Promise.all(['v1', 'v2'].map((name) => startEchoBackend(name)))
      port = await freePort()
      command = {
        listener: `127.0.0.1:${port}`,
        backends: Object.fromEntries(backends.map(({ name, address }) => [name, [address]])),
        weights: { v1: 100, v2: 0 },
      }
      control = new ForeignControlPlane()
      const { xds } = await control.waitFor(({ event }) => event === 'ready')
      control.serve(command)
      proxy = await startWeftProxy({
        nodeId: foreignNodeId,
        namespace: 'default',
        workload: 'interop',
        xds: parseHostPort(xds!)!,
        folder,
        flags: ['--cluster-discovery', 'wildcard', '--xds-protocol', protocol],
      })
    })
    after(async () => {
      await proxy?.stop()
      await control.stop()
      for (const backend of backends) await backend.stop()
      rmSync(folder, { recursive: true, force: true })
    })

    const ask = (path: string, headers: Record<string, string> = {}) =>
      send(port, { path, host: 'any.example', headers })

    test('routes as Envoy would', async () => {
      assert.equal((await ask('/')).echo?.backend, 'v1')
      assert.equal((await ask('/', { 'x-version': 'v2' })).echo?.backend, 'v2')
      assert.equal((await ask('/api/items')).echo?.path, '/items')
      assert.equal((await ask('/teapot')).status, 418)
      const redirect = await ask('/old')
      assert.deepEqual([redirect.status, redirect.headers.location], [301, 'http://any.example/new'])
    })

    test('follows a change of weights', async () => {
      control.serve({ ...command, weights: { v1: 0, v2: 100 } })
      await eventually(async () => assert.equal((await ask('/')).echo?.backend, 'v2'))
    })

    for (const [unsupported, field] of [
      ['hash_policy of a cookie to be made', 'hash_policy\\[0\\].cookie.ttl'],
      ['local_reply_config', 'local_reply_config'],
    ] as const) {
      test(`refuses ${unsupported} by name and keeps the last good configuration`, async () => {
        const from = control.events.length
        control.serve({ ...command, weights: { v1: 100, v2: 0 }, unsupported })
        const isRefusal = new RegExp(`${field}: unsupported by this proxy`)
        await control.waitFor(({ event, message }) => event === 'nack' && isRefusal.test(message ?? ''), from)
        const answer = await ask('/')
        assert.equal(answer.status, 200)
      })
    }

    test('takes the mended configuration', async () => {
      control.serve({ ...command, weights: { v1: 100, v2: 0 } })
      await eventually(async () => assert.equal((await ask('/')).echo?.backend, 'v1'))
    })
  })
}
