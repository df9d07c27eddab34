import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { giveBlock, isInBlock } from './block-pool.ts'
import { ByteQueue } from './byte-queue.ts'

test('bytes come out as they went in, however they are cut', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = seededRandom(seed)
  const queue = new ByteQueue()
  let next = 0
  let expected = 0
  const check = (bytes: Uint8Array): void => {
    for (const byte of bytes) assert.equal(byte, expected++ % 251, `seed ${seed}`)
  }
  for (let step = 0; step < 2000; step++) {
    const choice = pickIndex(random, 5)
    if (choice < 3) {
      const from = pickIndex(random, 20)
      const chunk = Buffer.alloc(from + 1 + pickIndex(random, choice === 0 ? 40_000 : 500))
      for (let i = from; i < chunk.length; i++) chunk[i] = next++ % 251
      queue.append(chunk, from)
      chunk.fill(255)
    } else if (queue.length > 0 && choice === 3) {
      const position = queue.from + 1 + pickIndex(random, queue.to - queue.from)
      check(queue.first.subarray(queue.from, position))
      queue.readTo(position)
    } else if (queue.length > 0) {
      const { from, to } = queue
      const block = queue.takeFirst()
      assert.ok(isInBlock(block))
      check(block.subarray(from, to))
      giveBlock(block)
    }
    assert.equal(queue.length, next - expected, `seed ${seed}`)
  }
})

test('short pieces share a block', () => {
  const queue = new ByteQueue()
  for (let i = 0; i < 8; i++) queue.append(Buffer.alloc(1000, i))
  assert.equal(queue.to - queue.from, 8000)
})

test('an empty queue has no bytes and takes more', () => {
  const queue = new ByteQueue()
  queue.append(Buffer.alloc(100_000, 1))
  queue.append(Buffer.alloc(100_000, 2))
  queue.clear()
  assert.equal(queue.length, 0)
  queue.append(Buffer.from('xyz'), 1)
  assert.equal(queue.first.toString('latin1', queue.from, queue.to), 'yz')
})
