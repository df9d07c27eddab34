import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatGrpcTimeout, grpcKindOf, grpcStatusOfHttp, parseGrpcStatus, parseGrpcTimeout } from './grpc.ts'

test('content types of gRPC and grpc-web are told from those that only begin alike', () => {
  const kinds = {
    'application/grpc': 'grpc',
    'application/grpc+proto': 'grpc',
    'application/grpc;charset=utf-8': 'grpc',
    'application/grpc-web': 'web',
    'application/grpc-web+proto': 'web',
    'application/grpc-web-text+proto': 'web-text',
    'application/grpcish': '',
    'application/grpc-webby': '',
    'application/json': '',
  }
  for (const [type, kind] of Object.entries(kinds)) assert.equal(grpcKindOf(type), kind, type)
  assert.equal(grpcKindOf(undefined), '')
})

test('timeouts are read in every unit, and what is none is left alone', () => {
  const ms = { '1H': 3_600_000, '2M': 120_000, '3S': 3000, '250m': 250, '1500u': 1.5, '1000000n': 1 }
  for (const [text, expected] of Object.entries(ms)) assert.equal(parseGrpcTimeout(text), expected, text)
  for (const text of ['', '5', 'S', '123456789S', '-1S', '1 S', '1s', '1.5S'])
    assert.equal(parseGrpcTimeout(text), undefined, text)
})

test('a timeout that is written is never longer than what is left, and has at most 8 digits', () => {
  for (const ms of [0, 0.4, 1, 999.9, 9999, 10_000.7, 3_600_000, 99_999_999, 1e8, 5e10, 1e12]) {
    const text = formatGrpcTimeout(ms)
    const read = parseGrpcTimeout(text)
    assert.ok(read !== undefined && read <= ms, `${ms} became ${text}`)
    if (ms >= 1 && ms < 1e11) assert.ok(ms - read <= ms / 1000, `${ms} became ${text}`)
  }
})

test('a status is read only from a number, and taken from HTTP as clients do', () => {
  assert.deepEqual(['0', '14', '', 'OK', '-1', '123', undefined].map(parseGrpcStatus), [0, 14, -1, -1, -1, -1, -1])
  assert.deepEqual(
    [200, 400, 401, 403, 404, 429, 500, 502, 503, 504].map(grpcStatusOfHttp),
    [2, 13, 16, 7, 12, 14, 2, 14, 14, 14],
  )
})
