import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import { rescue } from './rescue.ts'

const detail = '10.0.0.1:8080: ECONNREFUSED'

test('every code becomes its status, with a text that says what to do', () => {
  for (const [code, { status, meaning, cure }] of Object.entries(errorCodes)) {
    const { head, body } = rescue({ code: code as ErrorCodeName, detail }, { mayTell: true, grpcType: '' })
    assert.equal(head.status, status)
    assert.equal(head.bodyLength, body!.length)
    assert.equal(body!.toString(), `${code}: ${meaning}\n${detail}\n${cure}\n`)
    assert.deepEqual(head.headers.slice(-2), ['weft-detail', `${code}; ${detail}`])
  }
})

test('a caller outside the mesh learns neither addresses nor objects', () => {
  const { head, body } = rescue({ code: 'upstream_connect_failed', detail }, { mayTell: false, grpcType: '' })
  assert.equal(head.headers.includes('weft-detail'), false)
  assert.doesNotMatch(body!.toString(), /10\.0/)
})

test('a gRPC client gets a status in the head, its message percent-encoded', () => {
  const grpcType = 'application/grpc+proto'
  const { head, body } = rescue({ code: 'no_healthy_upstream', detail: 'ä 100%\n' }, { mayTell: true, grpcType })
  assert.equal(head.status, 200)
  assert.equal(body, undefined)
  const at = head.headers.indexOf('grpc-status')
  assert.equal(head.headers[at + 1], '14')
  assert.match(head.headers[at + 3]!, /%C3%A4 100%25%0A$/)
})

test('a detail with line breaks or other letters stays one header', () => {
  const { head } = rescue({ code: 'extension_failed', detail: 'a\r\nx-evil: 1 ä' }, { mayTell: true, grpcType: '' })
  assert.equal(head.headers.at(-1), 'extension_failed; a x-evil: 1  ')
})
