import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './judge.ts'
import { Call, type CallPlan } from './ledger.ts'

const deaths = [{ pid: '7', killedMs: 10_000, replacedMs: 12_000 }]
const evidence = { deaths, seen: new Set(['http1-1']) }

function failed(plan: Partial<CallPlan>, times: [startMs: number, endMs: number], detail = ''): Call {
  const call = new Call({ lane: 'http1', isRepeatable: true, isCut: false, ...plan }, 'http1-2')
  return Object.assign(call, { startMs: times[0], endMs: times[1], detail })
}

test('what a killed endpoint had begun with may fail, what it had not may not', () => {
  const call = failed({}, [9990, 10_010])
  assert.equal(judge(call, evidence), 'lost')
  call.ids.push('http1-1')
  assert.equal(judge(call, evidence), 'seen')
})

test('a stream ends with the process that answers it', () => {
  const call = Object.assign(failed({ lane: 'websocket' }, [5000, 10_010]), { server: '7' })
  assert.equal(judge(call, evidence), 'seen')
  assert.equal(judge(Object.assign(call, { server: '8' }), evidence), 'lost')
})

test('what can not be repeated may fail where it was sent, not where it was not', () => {
  const times: [number, number] = [9990, 10_010]
  assert.equal(judge(failed({ isRepeatable: false }, times, '502 upstream_reset'), evidence), 'unread')
  assert.equal(judge(failed({ isRepeatable: false }, times, '503 upstream_connect_failed'), evidence), 'lost')
  assert.equal(judge(failed({ isRepeatable: false }, [11_500, 11_510], '502 upstream_reset'), evidence), 'lost')
  assert.equal(judge(failed({ isRepeatable: false, bodyBytes: 65_537 }, times), evidence), 'too-long')
})

test('opaque bytes may meet a dead endpoint until another stands in its place', () => {
  assert.equal(judge(failed({ lane: 'tcp' }, [11_000, 11_010]), evidence), 'met-dead')
  assert.equal(judge(failed({ lane: 'tcp' }, [13_500, 13_510]), evidence), 'lost')
  assert.equal(judge(failed({ lane: 'http1' }, [11_000, 11_010]), evidence), 'lost')
})
