import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockPool, blockBytesMax, isInBlock } from './block-pool.ts'

const freeBytesMax = 4 * blockBytesMax
const trimMs = 1000
const isReleased = (block: Buffer): boolean => block.buffer.byteLength === 0

test('a block has room for what was asked, and less than twice as much', () => {
  const pool = new BlockPool({ freeBytesMax, trimMs, largestMax: 2 })
  for (const bytes of [8192, 8705, 16_384, 65_536, 100_300, 262_144, blockBytesMax]) {
    const { length } = pool.take(bytes)
    assert.ok(length >= bytes && length < 2 * bytes, `${length} for ${bytes}`)
  }
})

test('a block that was given back is the next one of its size', () => {
  const pool = new BlockPool({ freeBytesMax, trimMs, largestMax: 2 })
  const block = pool.take(100_000)
  pool.give(block)
  assert.notEqual(pool.take(10_000), block)
  assert.equal(pool.take(90_000), block)
  assert.notEqual(pool.take(90_000), block)
})

test('nothing is kept of what is larger than any block', () => {
  const pool = new BlockPool({ freeBytesMax, trimMs, largestMax: 2 })
  const large = pool.take(blockBytesMax + 1)
  assert.equal(large.length, blockBytesMax + 1)
  assert.ok(!isInBlock(large))
  pool.give(large)
  assert.notEqual(pool.take(blockBytesMax + 1), large)
})

test('of the largest only so many are in use at a time', () => {
  const pool = new BlockPool({ freeBytesMax, trimMs, largestMax: 2 })
  const first = pool.tryTakeLargest()!
  assert.equal(first.length, blockBytesMax)
  assert.ok(pool.tryTakeLargest())
  assert.equal(pool.tryTakeLargest(), undefined)
  pool.give(first)
  assert.equal(pool.tryTakeLargest(), first)
})

test('beyond what may lie unused the memory goes back to the system at once', () => {
  const pool = new BlockPool({ freeBytesMax, trimMs, largestMax: 2 })
  const blocks = Array.from({ length: 6 }, () => pool.take(blockBytesMax))
  for (const block of blocks) pool.give(block)
  assert.deepEqual(blocks.map(isReleased), [false, false, false, false, true, true])
  assert.ok(isInBlock(blocks[0]!.subarray(1, 2)), 'a part of a block is known for one')
})

test('what nobody wants for a while goes back to the system, and what is wanted stays', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const pool = new BlockPool({ freeBytesMax, trimMs, largestMax: 2 })
  const blocks = [pool.take(blockBytesMax), pool.take(blockBytesMax), pool.take(blockBytesMax)]
  for (const block of blocks) pool.give(block)
  // All of them were in use within the first while.
  context.mock.timers.tick(trimMs)
  assert.deepEqual(blocks.map(isReleased), [false, false, false])
  pool.give(pool.take(blockBytesMax))
  context.mock.timers.tick(trimMs)
  assert.equal(blocks.filter(isReleased).length, 2)
  context.mock.timers.tick(trimMs)
  assert.ok(blocks.every(isReleased))
})
