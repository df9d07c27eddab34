import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Http2Output } from './output.ts'
import { SendScheduler } from './send-scheduler.ts'
import { PeerSettings } from './settings.ts'
import type { Http2Stream } from './stream.ts'

test('streams take turns also when there is room for one frame at a time', () => {
  const order: string[] = []
  const output = { isFull: false }
  const sender = new SendScheduler({ output: output as unknown as Http2Output, peer: new PeerSettings() })
  const streams = ['a', 'b', 'c'].map((name) => ({
    isOver: false,
    movedBytes: 0,
    sendWaiting() {
      order.push(name)
      this.movedBytes++
      output.isFull = true
      return false
    },
  }))
  for (const stream of streams) sender.block(stream as unknown as Http2Stream)
  for (let i = 0; i < 6; i++) {
    output.isFull = false
    sender.pump()
  }
  assert.equal(order.join(''), 'abcabc')
})
