import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, RequestError } from './errors.ts'

test('every code says what it means and what to do, with a status and a gRPC status that exist', () => {
  for (const [name, code] of Object.entries(errorCodes)) {
    assert.match(name, /^[a-z]+(_[a-z]+)*$/)
    assert.ok(code.status >= 400 && code.status <= 599, name)
    assert.ok(code.grpc >= 1 && code.grpc <= 16, name)
    assert.match(code.meaning, /\.$/, name)
    assert.match(code.cure, /[.?]$|`$/, name)
  }
})

test('a RequestError carries code, detail and cause', () => {
  const cause = new Error('ECONNREFUSED')
  const error = new RequestError('upstream_connect_failed', '127.0.0.1:1', cause)
  assert.equal(error.message, 'upstream_connect_failed: 127.0.0.1:1')
  assert.equal(error.cause, cause)
})
