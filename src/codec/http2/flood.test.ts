/** Attacks by frames that cost their sender nothing, each by its name, and the traffic that must not be taken for one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownLength } from '../message.ts'
import { errorCodes, flags, frameTypes, settingIds, settingsPayload, uint32Payload } from './frame.ts'
import { responseHead } from './testing/pair.ts'
import { SteeredServer } from './testing/steered-server.ts'

const { endHeaders, endStream } = flags
const calm = [errorCodes.enhanceYourCalm]
const limits = {
  resetBurstMax: 20,
  resetsPerSecondMax: 10,
  idleFrameBurstMax: 20,
  idleFramesPerSecondMax: 10,
  continuationCountMax: 4,
}

/** Codes of the GOAWAYs that are sent while `act` is done for each of so many odd stream ids. */
async function goaways(count: number, act: (server: SteeredServer, streamId: number) => void): Promise<number[]> {
  const server = new SteeredServer({ limits })
  for (let i = 0; i < count; i++) {
    act(server, 2 * i + 1)
    await server.pass(0)
  }
  return server.codes(frameTypes.goaway)
}

test('rapid reset (CVE-2023-44487) ends the connection by ENHANCE_YOUR_CALM', async () => {
  const act = (server: SteeredServer, id: number): void => {
    server.ask(id, [], endHeaders | endStream)
    server.send(frameTypes.rstStream, 0, id, uint32Payload(errorCodes.cancel))
  }
  assert.deepEqual(await goaways(20, act), [])
  assert.deepEqual(await goaways(40, act), calm)
})

/** MadeYouReset: what makes us reset a stream that we have begun with. */
const provocations: Record<string, (server: SteeredServer, id: number) => void> = {
  'a window that overflows': (server, id) => server.send(frameTypes.windowUpdate, 0, id, uint32Payload(0x7fffffff)),
  'WINDOW_UPDATE by 0': (server, id) => server.send(frameTypes.windowUpdate, 0, id, uint32Payload(0)),
  'DATA behind the end': (server, id) => server.send(frameTypes.data, 0, id, Buffer.from('x')),
  'HEADERS behind the end': (server, id) => server.ask(id, [], endHeaders | endStream),
}
for (const [name, provoke] of Object.entries(provocations)) {
  test(`MadeYouReset (CVE-2025-8671) by ${name} ends the connection by ENHANCE_YOUR_CALM`, async () => {
    const act = (server: SteeredServer, id: number): void => {
      server.ask(id, [], endHeaders | endStream)
      provoke(server, id)
      const inbox = server.inboxes.at(-1)!
      assert.notEqual(inbox.reset, undefined, 'the stream is reset')
    }
    assert.deepEqual(await goaways(15, act), [])
    assert.deepEqual(await goaways(40, act), calm)
  })
}

test('malformed requests, each reset by us, end the connection by ENHANCE_YOUR_CALM', async () => {
  const act = (server: SteeredServer, id: number): void =>
    server.ask(id, ['connection', 'close'], endHeaders | endStream)
  assert.deepEqual(await goaways(40, act), calm)
})

const idleFrames: Record<string, (server: SteeredServer) => void> = {
  PING: (server) => server.send(frameTypes.ping, 0, 0, Buffer.alloc(8)),
  SETTINGS: (server) => server.send(frameTypes.settings, 0, 0, settingsPayload([[settingIds.enablePush, 0]])),
  PRIORITY: (server) => server.send(frameTypes.priority, 0, 1, Buffer.alloc(5)),
  'empty DATA': (server) => server.send(frameTypes.data, 0, 1),
  'tiny WINDOW_UPDATE': (server) => server.send(frameTypes.windowUpdate, 0, 0, uint32Payload(1)),
  'frames of unknown types': (server) => server.send(0xfa, 0, 0, Buffer.alloc(1)),
  'frames for closed streams': (server) => server.send(frameTypes.windowUpdate, 0, 3, uint32Payload(1000)),
}
for (const [name, send] of Object.entries(idleFrames)) {
  test(`a flood of ${name} ends the connection by ENHANCE_YOUR_CALM`, async () => {
    const begin = (server: SteeredServer): void => {
      server.ask(1, [])
      server.ask(3, [], endHeaders | endStream)
      server.streams[1]!.writeHead(responseHead(), true)
    }
    const act = (server: SteeredServer): void => {
      if (server.streams.length === 0) begin(server)
      send(server)
    }
    assert.deepEqual(await goaways(20, act), [])
    assert.deepEqual(await goaways(100, act), calm)
  })
}

test('a CONTINUATION flood (CVE-2024-27316) ends the connection by ENHANCE_YOUR_CALM', async () => {
  const act = (server: SteeredServer, id: number): void => {
    if (id === 1) server.ask(1, [], 0)
    else server.send(frameTypes.continuation, 0, 1, Buffer.from([0x82]))
  }
  assert.deepEqual(await goaways(5, act), [])
  assert.deepEqual(await goaways(6, act), calm)
})

test('time makes up for what was too often', async () => {
  const server = new SteeredServer({ limits })
  for (let i = 0; i < 20; i++) {
    for (let n = 0; n < 10; n++) server.send(frameTypes.ping, 0, 0, Buffer.alloc(8))
    await server.pass(1000)
  }
  assert.deepEqual(server.codes(frameTypes.goaway), [])
})

test('pings at every turn of a body are none too many: gRPC measures its windows so', async () => {
  const server = new SteeredServer({ limits, settings: [[settingIds.initialWindowSize, 1_000_000]] })
  server.send(frameTypes.windowUpdate, 0, 0, uint32Payload(1_000_000))
  server.ask(1, [], endHeaders | endStream)
  server.streams[0]!.writeHead(responseHead({ bodyLength: unknownLength }), false)
  for (let i = 0; i < 500; i++) {
    server.streams[0]!.writeData(Buffer.alloc(1000))
    server.send(frameTypes.ping, 0, 0, Buffer.alloc(8))
    await server.pass(0)
  }
  assert.deepEqual(server.codes(frameTypes.goaway), [])
})

test('clients that give up on as many requests as they wait for are none of it', async () => {
  const server = new SteeredServer({ limits })
  for (let i = 0; i < 500; i++) {
    server.ask(4 * i + 1, [], endHeaders | endStream)
    server.streams.at(-1)!.writeHead(responseHead(), true)
    server.ask(4 * i + 3, [], endHeaders | endStream)
    server.send(frameTypes.rstStream, 0, 4 * i + 3, uint32Payload(errorCodes.cancel))
    await server.pass(0)
  }
  assert.deepEqual(server.codes(frameTypes.goaway), [])
})

test('streams above the limit are refused, and the others go on', async () => {
  const server = new SteeredServer({ limits: { streamsMax: 2 } })
  for (const id of [1, 3, 5]) server.ask(id, [], endHeaders | endStream)
  await server.pass(0)
  assert.equal(server.streams.length, 2)
  assert.deepEqual(server.codes(frameTypes.rstStream), [errorCodes.refusedStream])
  server.streams[0]!.writeHead(responseHead(), true)
  server.ask(7, [], endHeaders | endStream)
  assert.equal(server.streams.length, 3)
})
