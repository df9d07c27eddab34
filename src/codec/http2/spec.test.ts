/** Replays the specification: each case whole, byte by byte, and split in two at every offset. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Replay, settle } from './testing/replay.ts'
import { readSpec } from './testing/spec-case.ts'

const cases = readSpec(join(import.meta.dirname, 'spec'))

/** Where the bytes are cut: not at all, everywhere, and once at each offset. */
function cuts(bytes: Buffer): Buffer[][] {
  const all = [[bytes], [...bytes].map((byte) => Buffer.of(byte))]
  for (let at = 1; at < bytes.length; at++) all.push([bytes.subarray(0, at), bytes.subarray(at)])
  return all
}

for (const { file, title, sender, settings, bytes, events } of cases) {
  test(`${file}: ${title}`, async () => {
    const replays = cuts(bytes).map((pieces) => ({
      pieces,
      replay: sender === 'client' ? Replay.server(settings) : Replay.client(settings),
    }))
    await settle()
    for (const { pieces, replay } of replays) for (const piece of pieces) replay.socket.deliver(piece)
    await settle()
    for (const { pieces, replay } of replays) {
      const how = pieces.length === 1 ? 'whole' : pieces.length === 2 ? `cut at ${pieces[0]!.length}` : 'byte by byte'
      assert.deepEqual(replay.events, events, how)
    }
  })
}

test('the specification has not shrunk', () => {
  assert.ok(cases.length >= 150, `${cases.length} cases`)
})
