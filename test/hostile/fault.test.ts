/** A mistake of ours in one request ends at most its connection: the process goes on, and so do the other connections. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { faultyMethods } from './fault-injection.ts'
import { expectService, startHostile } from './hostile-proxy.ts'
import { flags, frameTypes, RawClient, RawHttp2Client, until } from './raw-client.ts'

const injection = fileURLToPath(new URL('./fault-injection.ts', import.meta.url))

async function faultHttp1(port: number, method: string): Promise<RawClient> {
  const client = await RawClient.open(port)
  client.write(`POST /a HTTP/1.1\r\nhost: echo.shop\r\nx-fault: ${method}\r\ncontent-length: 5\r\n\r\nhel`)
  // A reset is met by who leaves in the middle.
  if (method === 'onReset') client.destroy()
  else client.write('lo')
  return client
}

async function faultHttp2(port: number, method: string): Promise<RawClient> {
  const client = await RawHttp2Client.open(port)
  client.ask(1, ['x-fault', method], flags.endHeaders)
  client.frame(frameTypes.data, 0, 1, Buffer.from('hel'))
  if (method === 'onReset') client.destroy()
  else client.frame(frameTypes.data, flags.endStream, 1, Buffer.from('lo'))
  return client
}

for (const [version, fault] of [
  ['HTTP/1.1', faultHttp1],
  ['HTTP/2', faultHttp2],
] as const) {
  test(`${version}: a mistake in any method of an exchange costs no other connection`, async (t) => {
    const { tight: proxy } = await startHostile(t, [], ['--import', injection])
    // Both are under way all the time.
    const slow = await RawClient.open(proxy.port)
    slow.write('POST /slow HTTP/1.1\r\nhost: echo.shop\r\ncontent-length: 5\r\n\r\nhe')
    const slowHttp2 = await RawHttp2Client.open(proxy.port)
    slowHttp2.ask(1, [], flags.endHeaders)
    for (const method of faultyMethods) {
      await t.test(method, async () => {
        const before = proxy.log().split(`injected into ${method}`).length
        const client = await fault(proxy.port, method)
        const told = (): boolean => proxy.log().split(`injected into ${method}`).length > before
        await until(told, () => `${method} went wrong, and nobody was told`)
        client.destroy()
        await expectService(proxy)
        assert.equal(proxy.sidecar.process.child.exitCode, null)
      })
    }
    slow.write('llo')
    await slow.expect('200')
    slowHttp2.frame(frameTypes.data, flags.endStream, 1)
    await slowHttp2.expect('HEADERS 1 200')
    for (const client of [slow, slowHttp2]) client.destroy()
  })
}
