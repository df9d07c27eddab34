import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderList } from '#/codec/message.ts'
import type { ClientStream, ServerStream } from '#/codec/stream.ts'
import { RequestBody } from './request-body.ts'

/** The client's side: only its back pressure matters here. */
function client(): { stream: ServerStream; log: string[] } {
  const log: string[] = []
  const stream = { pause: () => log.push('pause'), resume: () => log.push('resume') } as unknown as ServerStream
  return { stream, log }
}

class Target implements ClientStream {
  text = ''
  ends: (HeaderList | undefined)[] = []
  hasRoom = true

  writeData(chunk: Uint8Array): boolean {
    this.text += Buffer.from(chunk).toString()
    return this.hasRoom
  }

  writeEnd(trailers?: HeaderList): void {
    this.ends.push(trailers)
  }

  reset(): void {}

  pause(): void {}

  resume(): void {}
}

test('what came before there was a connection is sent first, then what comes, then the trailers', () => {
  const body = new RequestBody(client().stream, 100)
  body.push(Buffer.from('early '))
  const target = new Target()
  body.attach(target)
  body.push(Buffer.from('late'))
  body.end(['a', 'b'])
  assert.equal(target.text, 'early late')
  assert.deepEqual(target.ends, [['a', 'b']])
})

test('another attempt starts from the first byte, also after the end', () => {
  const body = new RequestBody(client().stream, 100)
  const [first, second] = [new Target(), new Target()]
  body.attach(first)
  body.push(Buffer.from('one '))
  body.detach()
  body.push(Buffer.from('two'))
  body.end(undefined)
  assert.ok(body.isReplayable)
  body.attach(second)
  assert.equal(second.text, 'one two')
  assert.equal(second.ends.length, 1)
})

test('a body beyond the bound is sent on but not kept', () => {
  const body = new RequestBody(client().stream, 4)
  const target = new Target()
  body.attach(target)
  body.push(Buffer.from('123'))
  assert.ok(body.isReplayable)
  body.push(Buffer.from('45'))
  assert.equal(body.isReplayable, false)
  assert.equal(target.text, '12345')
  assert.equal(body.whole, undefined)
})

test('without a connection the client is paused at the bound, and goes on when there is one', () => {
  const { stream, log } = client()
  const body = new RequestBody(stream, 4)
  body.push(Buffer.from('12'))
  assert.deepEqual(log, [])
  body.push(Buffer.from('345'))
  assert.deepEqual(log, ['pause'])
  body.attach(new Target())
  assert.deepEqual(log, ['pause', 'resume'])
})

test('a slow endpoint pauses the client until it has room', () => {
  const { stream, log } = client()
  const body = new RequestBody(stream, 4)
  const target = new Target()
  body.attach(target)
  target.hasRoom = false
  body.push(Buffer.from('1'))
  body.push(Buffer.from('2'))
  assert.deepEqual(log, ['pause'])
  body.resume()
  assert.deepEqual(log, ['pause', 'resume'])
})

test('the copy goes when an answer begins, unless a mirror waits for it', () => {
  const [plain, mirrored] = [new RequestBody(client().stream, 100), new RequestBody(client().stream, 100)]
  mirrored.keepWhole()
  for (const body of [plain, mirrored]) {
    body.attach(new Target())
    body.push(Buffer.from('abc'))
    body.release()
    body.end(undefined)
  }
  assert.equal(plain.whole, undefined)
  assert.equal(Buffer.concat([...mirrored.whole!]).toString(), 'abc')
})

test('chunks are copied: the reader may use its buffer again', () => {
  const body = new RequestBody(client().stream, 100)
  const chunk = Buffer.from('abc')
  body.push(chunk)
  chunk.fill('x')
  const target = new Target()
  body.attach(target)
  assert.equal(target.text, 'abc')
})
