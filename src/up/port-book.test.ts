import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PortBook, type PortBookOptions, readPorts } from './port-book.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-ports-'))
after(() => rmSync(folder, { recursive: true }))
let count = 0

function book(options: Partial<PortBookOptions> = {}): { book: PortBook; file: string } {
  const file = options.file ?? join(folder, `${count++}.json`)
  return { book: new PortBook({ file, takenElsewhere: () => new Set(), isFree: async () => true, ...options }), file }
}

test('ports differ, lie in their range, and are the same when the book is opened again', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => `pod/${i}`)
  const { book: first, file } = book()
  const ports = await first.take(keys)
  assert.equal(new Set(ports.values()).size, keys.length)
  assert.ok([...ports.values()].every((port) => port >= 20_000 && port <= 32_767))
  assert.deepEqual(await book({ file }).book.take(keys), ports)
  assert.deepEqual(await first.take(keys), ports)
})

test('a port that somebody listens on is passed over', async () => {
  const { book: first, file } = book()
  const kept = (await first.take(['a'])).get('a')!
  const server = net.createServer().listen(kept, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const again = new PortBook({ file, takenElsewhere: () => new Set() })
  assert.notEqual((await again.take(['a'])).get('a'), kept)
  server.close()
})

test('a kept port on which somebody takes datagrams is given up', async () => {
  const { book: first, file } = book()
  const kept = (await first.take(['a'])).get('a')!
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(kept, '127.0.0.1', resolve))
  const again = new PortBook({ file, takenElsewhere: () => new Set() })
  assert.notEqual((await again.take(['a'])).get('a'), kept)
  socket.close()
})

test('a port of another mesh is passed over, also when nobody listens yet', async () => {
  const { book: first, file } = book()
  const kept = (await first.take(['a'])).get('a')!
  const again = book({ file, takenElsewhere: () => new Set([kept]) }).book
  assert.notEqual((await again.take(['a'])).get('a'), kept)
})

test('released ports are forgotten, the others stay', async () => {
  const { book: first, file } = book()
  await first.take(['pod/a/x', 'pod/a/y', 'pod/b/x'])
  first.release((key) => key.startsWith('pod/a/'))
  assert.deepEqual(Object.keys(readPorts(file)), ['pod/b/x'])
})

test('a damaged file costs nothing but the addresses', async () => {
  const { book: damaged, file } = book()
  writeFileSync(file, '{"a": 2')
  assert.deepEqual(readPorts(file), {})
  assert.ok((await damaged.take(['a'])).get('a'))
})

test('says so when no port is left', async () => {
  const all = new Set(Array.from({ length: 12_768 }, (_, i) => 20_000 + i))
  await assert.rejects(book({ takenElsewhere: () => all }).book.take(['a']), /no port from 20000 to 32767 is free/)
})
