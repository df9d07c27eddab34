import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits } from '../http1/limits.ts'
import { readH2cUpgrade } from './h2c-upgrade.ts'

const request = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\nrest`)
const asking = ['GET /a HTTP/1.1', 'Host: a', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c']
const settings = 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'

test('a request that asks for h2c is read, with its settings and what follows', () => {
  const upgrade = readH2cUpgrade(request(...asking, settings), defaultLimits)
  assert.equal(upgrade?.head.path, '/a')
  assert.equal(upgrade?.settings.length, 18)
  assert.equal(upgrade?.rest.toString(), 'rest')
  assert.ok(!upgrade?.head.headers.includes('http2-settings'))
})

for (const [what, lines] of [
  ['no settings', asking],
  ['settings twice', [...asking, settings, settings]],
  ['settings that are cut short', [...asking, 'HTTP2-Settings: AAMAAA']],
  ['a body', [...asking, settings, 'Content-Length: 4']],
  ['another protocol', [...asking.slice(0, 3), 'Upgrade: websocket', settings]],
  ['a head that is no request', ['GET /a', 'Host: a', 'Upgrade: h2c', settings]],
] as const) {
  test(`${what}: nobody switches`, () => {
    assert.equal(readH2cUpgrade(request(...lines), defaultLimits), undefined)
  })
}
