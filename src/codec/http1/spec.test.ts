/** Replays the specification: each case whole, byte by byte, and split in two at every offset. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Replay } from './testing/replay.ts'
import { replayAnswer, replayRequests, settle } from './testing/replay.ts'
import type { SpecCase } from './testing/spec-case.ts'
import { readSpec } from './testing/spec-case.ts'

const cases = readSpec(join(import.meta.dirname, 'spec'))

/** Where the bytes are cut: not at all, everywhere, and once at each offset. */
function cuts(bytes: Buffer): Buffer[][] {
  const all = [[bytes], [...bytes].map((byte) => Buffer.of(byte))]
  for (let at = 1; at < bytes.length; at++) all.push([bytes.subarray(0, at), bytes.subarray(at)])
  return all
}

function begin({ kind, settings }: SpecCase): Replay {
  return kind === 'request' ? replayRequests(settings) : replayAnswer(settings)
}

function eventsOf(each: SpecCase, { socket, log }: Replay): readonly string[] {
  if (each.kind === 'request' && socket.writableEnded) log.add('close')
  return log.lines
}

for (const each of cases) {
  test(`${each.file}: ${each.title}`, async () => {
    const replays = cuts(each.bytes).map((pieces) => ({ pieces, replay: begin(each) }))
    await settle()
    for (const { pieces, replay } of replays) for (const piece of pieces) replay.socket.deliver(piece)
    await settle()
    if ('eof' in each.settings) for (const { replay } of replays) replay.socket.deliverEnd()
    await settle()
    for (const { pieces, replay } of replays) {
      const how = pieces.length === 1 ? 'whole' : pieces.length === 2 ? `cut at ${pieces[0]!.length}` : 'byte by byte'
      assert.deepEqual(eventsOf(each, replay), each.events, how)
    }
  })
}

test('the specification has not shrunk', () => {
  assert.ok(cases.length >= 120, `${cases.length} cases`)
})
