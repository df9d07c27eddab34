/** Peers that stand still, on a clock of ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownLength } from '../message.ts'
import { errorCodes, flags, frameTypes, settingIds } from './frame.ts'
import { responseHead } from './testing/pair.ts'
import { SteeredServer } from './testing/steered-server.ts'

const limits = { stallTimeoutMs: 60_000, headerTimeoutMs: 10_000 }

test('an announced body that stops loses its stream when its time is up, and not before', async () => {
  const server = new SteeredServer({ limits })
  server.ask(1, ['content-length', '10'])
  await server.pass(50_000)
  server.send(frameTypes.data, 0, 1, Buffer.from('12345'))
  await server.pass(59_000)
  assert.equal(server.inboxes[0]!.reset, undefined)
  await server.pass(25_000)
  assert.equal(server.inboxes[0]!.reset, 'timeout')
  assert.deepEqual(server.codes(frameTypes.rstStream), [errorCodes.cancel])
  assert.deepEqual(server.codes(frameTypes.goaway), [])
})

test('a body of unknown length may be silent: gRPC streams are', async () => {
  const server = new SteeredServer({ limits })
  server.ask(1, ['content-type', 'application/grpc'])
  await server.pass(600_000)
  assert.equal(server.inboxes[0]!.reset, undefined)
})

test('a client that opens no window for its answer loses it when its time is up', async () => {
  const server = new SteeredServer({ limits, settings: [[settingIds.initialWindowSize, 0]] })
  server.ask(1, [], flags.endHeaders | flags.endStream)
  server.streams[0]!.writeHead(responseHead({ bodyLength: unknownLength }), false)
  assert.equal(server.streams[0]!.writeData(Buffer.from('body')), false)
  await server.pass(59_000)
  assert.equal(server.inboxes[0]!.reset, undefined)
  await server.pass(25_000)
  assert.equal(server.inboxes[0]!.reset, 'timeout')
})

test('a client that reads nothing at all loses its connection when its time is up', async () => {
  const server = new SteeredServer({ limits })
  server.socket.isSlow = true
  server.ask(1, [], flags.endHeaders | flags.endStream)
  server.send(frameTypes.windowUpdate, 0, 1, Buffer.from([0, 16, 0, 0]))
  server.send(frameTypes.windowUpdate, 0, 0, Buffer.from([0, 16, 0, 0]))
  server.streams[0]!.writeHead(responseHead({ bodyLength: unknownLength }), false)
  while (server.streams[0]!.writeData(Buffer.alloc(10_000))) await server.pass(1)
  await server.pass(59_000)
  assert.equal(server.socket.destroyed, false)
  await server.pass(25_000)
  assert.equal(server.socket.destroyed, true)
  assert.equal(server.inboxes[0]!.reset, 'timeout')
})

test('header blocks that are begun again and again do not put off what is due', async () => {
  const server = new SteeredServer({ limits })
  server.ask(1, ['content-length', '10'])
  for (let i = 0; i < 12; i++) {
    server.ask(3 + 2 * i, [], flags.endStream)
    await server.pass(9000)
    server.send(frameTypes.continuation, flags.endHeaders, 3 + 2 * i)
  }
  assert.equal(server.inboxes[0]!.reset, 'timeout')
})

test('a header block that is never finished ends the connection by ENHANCE_YOUR_CALM', async () => {
  const server = new SteeredServer({ limits })
  server.ask(1, [], flags.endStream)
  await server.pass(9000)
  assert.deepEqual(server.codes(frameTypes.goaway), [])
  await server.pass(12_000)
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.enhanceYourCalm])
})
