import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, read, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { ManualClock, systemClock } from '#/std/clock.ts'
import { LogWriter } from './log-writer.ts'

const readInto = promisify(read)
const readChunk = (reader: number, buffer: Buffer, from: number) =>
  readInto(reader, buffer, from, buffer.length - from, null)

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-log-'))
})
after(() => rmSync(folder, { recursive: true }))

test('lines come out in order, in batches, and none twice', async () => {
  const file = join(folder, 'ordered.log')
  const writer = new LogWriter({ target: { file }, clock: systemClock, batchLengthMax: 100 })
  for (let i = 0; i < 1000; i++) writer.write(`line ${i} ä\n`)
  await writer.drain()
  for (let i = 1000; i < 1005; i++) writer.write(`line ${i} ä\n`)
  writer.close()
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  assert.deepEqual(
    lines,
    Array.from({ length: 1005 }, (_, i) => `line ${i} ä`),
  )
  assert.equal(writer.droppedLines, 0)
})

test('a lone line leaves when the interval is over', async () => {
  const file = join(folder, 'interval.log')
  const clock = new ManualClock()
  const writer = new LogWriter({ target: { file }, clock, flushIntervalMs: 200 })
  writer.write('a\n')
  clock.advance(199)
  assert.equal(readFileSync(file, 'utf8'), '')
  clock.advance(1)
  await writer.drain()
  assert.equal(readFileSync(file, 'utf8'), 'a\n')
  writer.close()
})

test('an existing file is appended to', async () => {
  const file = join(folder, 'appended.log')
  for (const line of ['first\n', 'second\n']) {
    const writer = new LogWriter({ target: { file }, clock: systemClock })
    writer.write(line)
    writer.close()
  }
  assert.equal(readFileSync(file, 'utf8'), 'first\nsecond\n')
})

test('a reader that is too slow costs counted lines, and what was kept is whole', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  // Read and write, so that opening waits for nobody.
  const reader = openSync(pipe, 'r+')
  const writer = new LogWriter({
    target: { file: pipe },
    clock: systemClock,
    batchLengthMax: 1000,
    waitingLengthMax: 50_000,
  })
  const line = `${'x'.repeat(99)}\n`
  let written = 0
  // Turns of the event loop let batches leave, until the pipe is full and a write waits in its thread.
  while (writer.droppedLines < 100) {
    for (let i = 0; i < 100; i++) writer.write(line)
    written += 100
    await new Promise(setImmediate)
  }
  const kept = written - writer.droppedLines
  const drained = writer.drain()
  const buffer = Buffer.alloc(kept * 100)
  for (let got = 0; got < buffer.length; ) got += (await readChunk(reader, buffer, got)).bytesRead
  await drained
  assert.equal(buffer.toString(), line.repeat(kept))
  writer.close()
  closeSync(reader)
})

test('a target that fails is told once, and its lines are counted', async () => {
  const errors: Error[] = []
  // Every write to /dev/full fails with ENOSPC (Linux); elsewhere opening it does.
  if (process.platform !== 'linux') return
  const writer = new LogWriter({
    target: { file: '/dev/full' },
    clock: systemClock,
    onError: (error) => errors.push(error),
  })
  for (let i = 0; i < 3; i++) {
    writer.write('a\n')
    await writer.drain()
  }
  assert.equal(errors.length, 1)
  assert.match(errors[0]!.message, /ENOSPC/)
  assert.equal(writer.droppedLines, 3)
  writer.close()
  writer.write('late\n')
  assert.equal(writer.droppedLines, 4)
})

test('a file that can not be opened is an error at start', () => {
  assert.throws(() => new LogWriter({ target: { file: join(folder, 'no/such') }, clock: systemClock }), /ENOENT/)
})

test('lines of other event loops arrive whole, between those of this one, and leave at once', async () => {
  const file = join(folder, 'merged.log')
  const clock = new ManualClock()
  const writer = new LogWriter({ target: { file }, clock })
  const loop = new LogWriter({
    target: { take: (bytes, lines) => writer.append(bytes, lines) },
    clock,
    batchLengthMax: 40,
  })
  writer.write('main 1\n')
  for (let i = 1; i <= 30; i++) loop.write(`loop ${i}\n`)
  loop.close()
  await writer.drain()
  writer.close()
  const expected = ['main 1', ...Array.from({ length: 30 }, (_, i) => `loop ${i + 1}`)]
  assert.deepEqual(readFileSync(file, 'utf8').trim().split('\n'), expected)
})

test('lines of other event loops that find no room are counted', () => {
  const writer = new LogWriter({ target: { take: () => undefined }, clock: new ManualClock(), waitingLengthMax: 20 })
  writer.append(Buffer.from('a\nb\nc\n'), 3)
  writer.append(Buffer.alloc(21), 4)
  assert.equal(writer.droppedLines, 4)
})
