import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { giveBlock } from './block-pool.ts'
import { blockOf, isLent, keepBlock, leaveBlocks, onBlocks, onBytes, owned, withSharedRead } from './shared-read.ts'

const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
after(() => server.close())

/** @returns a socket that reads as ours do, and the one that sends to it. */
async function reading(): Promise<[Socket, Socket]> {
  if (!server.listening) await once(server, 'listening')
  const sender = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  for (const socket of [sender, accepted]) socket.on('error', () => undefined)
  return [withSharedRead(accepted), sender]
}

const piece = Buffer.alloc(1024 * 1024, 'x')

/** So many MB, with no pause but the reader's. */
function send(sender: Socket, count: number): void {
  if (count === 0) sender.end()
  else sender.write(piece, () => send(sender, count - 1))
}

test('a chunk is lent: the next read overwrites it, and a copy stays', async () => {
  const [socket, sender] = await reading()
  const chunks: Buffer[] = []
  const copies: Uint8Array[] = []
  onBytes(socket, (chunk) => {
    assert.ok(isLent(chunk))
    chunks.push(chunk)
    copies.push(owned(chunk))
    sender.end('second')
  })
  sender.write('first!')
  await once(socket, 'end')
  assert.deepEqual(copies.map(String), ['first!', 'second'])
  assert.deepEqual(chunks.map(String), ['second', 'second'])
  assert.ok(!copies.some(isLent))
  socket.destroy()
})

test('a socket that brings bytes without end lets the others have their turn', async () => {
  const [socket, sender] = await reading()
  let total = 0
  let ofTurn = 0
  let most = 0
  const count = (): void => {
    most = Math.max(most, ofTurn)
    ofTurn = 0
    if (!socket.readableEnded) setImmediate(count)
  }
  onBytes(socket, (chunk) => {
    total += chunk.length
    ofTurn += chunk.length
  })
  count()
  send(sender, 64)
  await once(socket, 'end')
  assert.equal(total, 64 * piece.length)
  assert.ok(most <= 17 * 262_144, `${most} bytes in one turn`)
  socket.destroy()
})

test('a reader that has paused stays paused when it had its share of a turn', async () => {
  const [socket, sender] = await reading()
  let total = 0
  onBytes(socket, (chunk) => {
    total += chunk.length
    socket.pause()
  })
  send(sender, 8)
  while (total === 0) await new Promise((resolve) => setImmediate(resolve))
  const before = total
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(total, before)
  sender.destroy()
  socket.destroy()
})

test('a reader that had to pause gets less at once, since it has to keep what comes', async () => {
  const [socket, sender] = await reading()
  const lengths: number[] = []
  onBytes(socket, (chunk) => {
    lengths.push(chunk.length)
    if (lengths.length > 20) return
    socket.pause()
    setImmediate(() => socket.resume())
  })
  send(sender, 16)
  await once(socket, 'end')
  const first = lengths.findIndex((length) => length >= 65_536)
  assert.ok(Math.max(...lengths.slice(first + 1, 20)) <= 65_536, lengths.join(' '))
  assert.ok(Math.max(...lengths.slice(21)) > 65_536, lengths.join(' '))
  socket.destroy()
})

test('what comes without a pause comes in blocks, and one that is kept stays as it was', async () => {
  const [socket, sender] = await reading()
  const kept: Buffer[] = []
  let total = 0
  onBlocks(socket, (chunk) => {
    total += chunk.length
    const block = blockOf(socket, chunk)
    if (block === undefined) return
    assert.ok(isLent(chunk))
    if (kept.length === 3) return
    keepBlock(socket)
    chunk.fill(kept.length + 1)
    kept.push(block)
  })
  send(sender, 64)
  await once(socket, 'end')
  assert.equal(total, 64 * piece.length)
  assert.equal(kept.length, 3, 'some of 64 MB came in blocks')
  for (const [index, block] of kept.entries()) assert.ok(block.every((byte) => byte === index + 1))
  for (const block of kept) giveBlock(block)
  socket.destroy()
  await once(socket, 'close')
  leaveBlocks(socket)
})
