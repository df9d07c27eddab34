import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import {
  originalDestination,
  prepareOriginalDestination,
  readSockaddrIn,
  readSockaddrIn6,
} from './original-destination.ts'

test("the kernel's sockaddr_in is read in network order", () => {
  const bytes = Buffer.from('02001f900a60000500000000', 'hex')
  assert.deepEqual(readSockaddrIn(bytes), { host: '10.96.0.5', port: 8080 })
})

test("the kernel's sockaddr_in6 is written as RFC 5952 says", () => {
  const bytes = Buffer.from('0a001f9000000000fd000000000000000000000000000001', 'hex')
  assert.deepEqual(readSockaddrIn6(bytes), { host: 'fd00::1', port: 8080 })
})

test('a connection that nobody redirected has no original destination', async (t) => {
  if (process.platform !== 'linux') {
    assert.throws(prepareOriginalDestination, /Linux/)
    return
  }
  prepareOriginalDestination()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const socket = await accepted
  assert.equal(originalDestination(socket), undefined)
  client.destroy()
  socket.destroy()
})
