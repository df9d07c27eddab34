import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { giveBlock, takeBlock } from './block-pool.ts'
import { BlockWriter } from './block-writer.ts'

const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
after(() => server.close())

async function socketPair(): Promise<[Socket, Socket]> {
  if (!server.listening) await once(server, 'listening')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown]
  for (const socket of [near, far]) socket.on('error', () => undefined)
  return [near, far]
}

/** Writes blocks full of their number until one waits. @returns it, and how many bytes have been written. */
function fill(near: Socket, writer: BlockWriter, blockBytes: number): { block: Buffer; count: number } {
  for (let count = 1; ; count++) {
    const block = takeBlock(blockBytes)
    block.fill(count)
    if (!writer.write(block, blockBytes)) return { block, count }
    assert.equal(near.writableLength, 0)
    giveBlock(block)
  }
}

test('a block is used again when the system has taken it, and not before', async () => {
  const [near, far] = await socketPair()
  const blockBytes = 200_000
  const { block, count } = fill(near, new BlockWriter(near), blockBytes)
  const other = takeBlock(blockBytes)
  assert.notEqual(other, block, 'it waits still')
  other.fill(0)
  let position = 0
  far.on('data', (chunk: Buffer) => {
    for (const byte of chunk) assert.equal(byte, (Math.floor(position++ / blockBytes) + 1) % 256)
  })
  far.resume()
  await once(near, 'drain')
  await turn()
  assert.equal(takeBlock(blockBytes), block)
  near.end()
  await once(far, 'end')
  assert.equal(position, count * blockBytes)
  far.end()
})

test('blocks come back in the order of their writes, whether they were taken at once or not', async () => {
  const [near, far] = await socketPair()
  const writer = new BlockWriter(near)
  const { block } = fill(near, writer, 150_000)
  const second = takeBlock(60_000)
  assert.equal(writer.write(second, 60_000), false)
  far.resume()
  await once(near, 'drain')
  await turn()
  assert.equal(takeBlock(150_000), block)
  assert.equal(takeBlock(60_000), second)
  near.destroy()
  far.destroy()
})

test('the block of a socket that is cut comes back as well', async () => {
  const [near, far] = await socketPair()
  const { block } = fill(near, new BlockWriter(near), 120_000)
  near.destroy()
  await once(near, 'close')
  await turn()
  assert.equal(takeBlock(120_000), block)
  far.destroy()
})
