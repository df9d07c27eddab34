/** The end of a server's connection in two steps (RFC 9113 section 6.8). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, flags, frameTypes, windowBytesMax } from './frame.ts'
import { responseHead } from './testing/pair.ts'
import { SteeredServer } from './testing/steered-server.ts'

const whole = flags.endHeaders | flags.endStream

/** Last streams of the GOAWAYs that were sent. */
function lastStreams({ frames }: SteeredServer): number[] {
  return frames.filter(({ type }) => type === frameTypes.goaway).map(({ payload }) => payload.readUInt32BE(0))
}

function answerPing(server: SteeredServer): void {
  const ping = server.frames.findLast(({ type }) => type === frameTypes.ping)!
  server.send(frameTypes.ping, flags.ack, 0, ping.payload)
}

test('takes what was on its way at the first GOAWAY, nothing behind the second, and closes behind the last answer', async () => {
  const server = new SteeredServer()
  server.ask(1, [], whole)
  server.connection.drain()
  await server.pass(0)
  assert.deepEqual(lastStreams(server), [windowBytesMax])
  server.ask(3, [], whole)
  answerPing(server)
  await server.pass(0)
  assert.deepEqual(lastStreams(server), [windowBytesMax, 3])
  server.ask(5, [], whole)
  assert.equal(server.streams.length, 2)
  for (const stream of server.streams) {
    assert.equal(server.socket.writableEnded, false)
    stream.writeHead(responseHead(), true)
    await server.pass(0)
  }
  await server.pass(0)
  assert.equal(server.socket.writableEnded, true)
  assert.deepEqual(server.codes(frameTypes.rstStream), [])
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.noError, errorCodes.noError])
})

test('does not wait for a client that answers no PING', async () => {
  const server = new SteeredServer({ limits: { lingerTimeoutMs: 1000 } })
  server.connection.drain()
  await server.pass(1000)
  await server.pass(0)
  assert.deepEqual(lastStreams(server), [windowBytesMax, 0])
  assert.equal(server.socket.writableEnded, true)
  await server.pass(1200)
  assert.equal(server.socket.destroyed, true)
})
