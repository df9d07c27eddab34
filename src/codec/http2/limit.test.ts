/** Bounds on what a peer of HTTP/2 may make us hold or wait for, each with what happens beyond it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownLength } from '../message.ts'
import { errorCodes, flags, frameTypes, settingIds, settingsPayload, uint32Payload } from './frame.ts'
import { HpackDecoder } from './hpack/decoder.ts'
import { responseHead } from './testing/pair.ts'
import { SteeredServer } from './testing/steered-server.ts'

const { endHeaders, endStream } = flags
const whole = endHeaders | endStream
const filler = Buffer.alloc(16_384)

/** The answers that were sent, as lists of fields. */
function answers(server: SteeredServer): string[][] {
  const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65_536 })
  return server.frames.filter(({ type }) => type === frameTypes.headers).map(({ payload }) => decoder.decode(payload))
}

/** Status and reset of a request that is more than is taken; then one that is not, on the same connection. */
async function refusal(server: SteeredServer, ask: () => void): Promise<[string | undefined, number[]]> {
  ask()
  await server.pass(0)
  assert.equal(server.streams.length, 0)
  server.ask(99, [], whole)
  await server.pass(0)
  assert.equal(server.streams.length, 1, 'the connection goes on')
  return [answers(server)[0]?.[1], server.codes(frameTypes.rstStream)]
}

test('an HPACK bomb, small on the wire and large when read, gets 431', async () => {
  const server = new SteeredServer({ limits: { headerBytesMax: 20_000 } })
  // One entry of 4,000 bytes, then 1,000 references to it (index 62) of a byte each.
  const literal = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 'a')])
  const block = Buffer.concat([literal, Buffer.alloc(1000, 0xbe)])
  assert.deepEqual(await refusal(server, () => server.send(frameTypes.headers, whole, 1, block)), ['431', []])
})

test('too many fields get 431', async () => {
  const server = new SteeredServer({ limits: { headerCountMax: 10 } })
  const fields = Array.from({ length: 20 }, (_, i) => [`x-${i}`, '']).flat()
  assert.deepEqual(await refusal(server, () => server.ask(1, fields, whole)), ['431', []])
})

test('a path that is too long gets 414, and a body behind it is stopped', async () => {
  const server = new SteeredServer({ limits: { requestLineBytesMax: 100 } })
  const path = `/${'a'.repeat(100)}`
  assert.deepEqual(await refusal(server, () => server.ask(1, [], endHeaders, path)), ['414', [errorCodes.noError]])
})

test('a table that is larger than we allow ends the connection by COMPRESSION_ERROR', async () => {
  const server = new SteeredServer()
  server.send(frameTypes.headers, whole, 1, Buffer.from([0x3f, 0xe2, 0x1f]))
  await server.pass(0)
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.compressionError])
})

test('SETTINGS that are never acknowledged end the connection by SETTINGS_TIMEOUT', async () => {
  const server = new SteeredServer({ limits: { settingsTimeoutMs: 5000 }, isSilent: true })
  await server.pass(4900)
  assert.deepEqual(server.codes(frameTypes.goaway), [])
  await server.pass(5200)
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.settingsTimeout])
})

test('a connection without a stream ends by NO_ERROR when its time is up', async () => {
  const server = new SteeredServer({ limits: { idleTimeoutMs: 30_000 } })
  server.ask(1, [], whole)
  await server.pass(100_000)
  assert.deepEqual(server.codes(frameTypes.goaway), [], 'a request is under way')
  server.streams[0]!.writeHead(responseHead(), true)
  await server.pass(29_000)
  assert.deepEqual(server.codes(frameTypes.goaway), [])
  await server.pass(35_000)
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.noError])
})

test('bytes beyond the window of the stream cost the stream, of the connection all', async () => {
  const limits = { streamWindowBytes: 20_000, bufferedBytesMax: 65_535 }
  const server = new SteeredServer({ limits })
  server.ask(1, [])
  server.streams[0]!.pause()
  server.send(frameTypes.data, 0, 1, filler)
  assert.equal(server.inboxes[0]!.reset, undefined)
  server.send(frameTypes.data, 0, 1, filler)
  assert.equal(server.inboxes[0]!.reset, 'protocol-error')
  for (let id = 3; id < 21; id += 2) {
    server.ask(id, [])
    server.streams.at(-1)!.pause()
    server.send(frameTypes.data, 0, id, filler)
  }
  await server.pass(0)
  assert.deepEqual(server.codes(frameTypes.rstStream), [errorCodes.flowControlError])
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.flowControlError])
})

test('what 256 paused streams hold stays within the window of the connection', async () => {
  const bufferedBytesMax = 262_144
  const server = new SteeredServer({ limits: { bufferedBytesMax, streamWindowBytes: 65_535 } })
  let sent = 0
  for (let i = 0; i < 256; i++) {
    server.ask(2 * i + 1, [])
    server.streams[i]!.pause()
  }
  for (let i = 0; server.codes(frameTypes.goaway).length === 0; i++) {
    assert.ok(i < 1000, 'it takes more and more')
    server.send(frameTypes.data, 0, 2 * (i % 256) + 1, filler)
    sent += filler.length
    await server.pass(0)
  }
  assert.ok(sent <= 2 * bufferedBytesMax, `${sent} bytes`)
})

test('a window of the connection that overflows ends it by FLOW_CONTROL_ERROR', async () => {
  const server = new SteeredServer()
  server.send(frameTypes.windowUpdate, 0, 0, uint32Payload(0x7fffffff))
  await server.pass(0)
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.flowControlError])
})

test('INITIAL_WINDOW_SIZE makes a window negative, and what was taken off is waited for', async () => {
  const server = new SteeredServer({ settings: [[settingIds.initialWindowSize, 100]] })
  server.ask(1, [], whole)
  const [stream] = server.streams
  stream!.writeHead(responseHead({ bodyLength: unknownLength }), false)
  stream!.writeData(Buffer.alloc(200, 'x'))
  const sent = async (): Promise<number> => {
    await server.pass(0)
    return server.frames.reduce((sum, { type, payload }) => sum + (type === frameTypes.data ? payload.length : 0), 0)
  }
  assert.equal(await sent(), 100)
  server.send(frameTypes.settings, 0, 0, settingsPayload([[settingIds.initialWindowSize, 40]]))
  server.send(frameTypes.windowUpdate, 0, 1, uint32Payload(60))
  assert.equal(await sent(), 100, 'the window is at 0 again')
  server.send(frameTypes.windowUpdate, 0, 1, uint32Payload(30))
  assert.equal(await sent(), 130)
  server.send(frameTypes.settings, 0, 0, settingsPayload([[settingIds.initialWindowSize, 1000]]))
  assert.equal(await sent(), 200)
})

test('INITIAL_WINDOW_SIZE that makes a window overflow ends the connection by FLOW_CONTROL_ERROR', async () => {
  const server = new SteeredServer({ settings: [[settingIds.initialWindowSize, 100]] })
  server.ask(1, [], whole)
  server.send(frameTypes.windowUpdate, 0, 1, uint32Payload(1000))
  server.send(frameTypes.settings, 0, 0, settingsPayload([[settingIds.initialWindowSize, 0x7fffffff]]))
  await server.pass(0)
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.flowControlError])
})

test('a client that makes us write and reads nothing is sent away', async () => {
  const server = new SteeredServer({ limits: { outputBytesMax: 1000, queueBytesMax: 5000 } })
  server.socket.isSlow = true
  for (let i = 0; server.codes(frameTypes.goaway).length === 0; i++) {
    assert.ok(i < 1000, 'its answers pile up')
    server.send(frameTypes.ping, 0, 0, Buffer.alloc(8))
    await server.pass(0)
  }
  assert.deepEqual(server.codes(frameTypes.goaway), [errorCodes.enhanceYourCalm])
  assert.ok(server.socket.bytesWritten < 7000, `${server.socket.bytesWritten} bytes`)
})
