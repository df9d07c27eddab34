import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { ManualClock } from '#/std/clock.ts'
import type { MeshEvent, WorkloadReport } from '#/up/mesh-event.ts'
import { TerminalScreen } from './terminal-screen.ts'

const control = { pid: 1, xds: '127.0.0.1:20000', api: 'http://127.0.0.1:20001' }
const report = (name: string, isReady: boolean): WorkloadReport => ({
  namespace: 'shop',
  name,
  pod: `${name}-abcde-0`,
  app: 'http://127.0.0.1:20002',
  inbound: 'http://127.0.0.1:20003',
  outbound: 'http://127.0.0.1:20004',
  admin: 'http://127.0.0.1:20005',
  pids: { app: 10, sidecar: 11 },
  isReady,
  ...(isReady ? {} : { reason: 'starting' }),
})
const workload = (change: 'starting' | 'ready' | 'not-ready', one: WorkloadReport): MeshEvent => ({
  event: 'workload',
  change,
  workload: one,
})
const fault: MeshEvent = {
  event: 'fault',
  severity: 'error',
  code: 'unknown-field',
  object: 'HTTPRoute/shop/cart',
  file: '/mesh/route.yaml',
  line: 3,
  column: 5,
  field: 'spec.rule',
  message: 'rule is no field here',
  cure: 'did you mean rules?',
}

function screen(isTerminal: boolean) {
  const clock = new ManualClock()
  let text = ''
  const output = { write: (more: string) => void (text += more), isTerminal, columns: 60, hasColor: false }
  const surroundings = { environment: { WEFT_COMMAND: './weft' }, folder: '/mesh', output, errors: output }
  const announcer = new TerminalScreen({ surroundings, clock })
  const tell = (event: MeshEvent): string => {
    text = ''
    announcer.announce(event)
    return stripVTControlCharacters(text)
  }
  return { tell, clock, text: () => text }
}

test('a spinner tells what is waited for, cut to the width of the terminal; then comes the table', () => {
  const { tell } = screen(true)
  tell({ event: 'control', change: 'ready', control })
  const waiting = tell(workload('starting', report('a-rather-long-name-of-a-workload', false)))
  assert.match(waiting, /0 of 1 replicas ready; waiting for a-rather/)
  assert.ok(waiting.trim().length < 60)
  tell(workload('ready', report('a-rather-long-name-of-a-workload', true)))
  const table = tell({ event: 'ready', control, workloads: [] })
  assert.match(
    table,
    /The mesh is up \(0\.0 s\)\.\n\nWORKLOAD +REPLICA +APPLICATION +INBOUND +OUTBOUND +ADMIN +PID +READY\n/,
  )
  assert.match(table, /127\.0\.0\.1:20002 +127\.0\.0\.1:20003 +127\.0\.0\.1:20004 +127\.0\.0\.1:20005 +10 +yes\n/)
  assert.match(tell(workload('not-ready', report('b', false))), /^b-abcde-0 not ready \(starting\)\n$/)
})

test('faults stand above the spinner with place and cure', () => {
  const { tell } = screen(true)
  tell(workload('starting', report('a', false)))
  assert.match(
    tell(fault),
    /route\.yaml:3:5: error unknown-field\n {2}spec\.rule: rule is no field here\n {2}did you mean rules\?\n/,
  )
})

test('what never becomes ready does not keep the table back for ever', () => {
  const { tell, clock } = screen(true)
  tell(workload('starting', report('a', true)))
  tell(workload('starting', report('b', false)))
  clock.advance(25_000)
  const late = tell(workload('starting', report('b', false)))
  assert.match(late, /Not everything is ready after 25\.0 s\.\n[\s\S]+b-abcde-0: starting\n/)
})

test('without a terminal there is a line a change and no control character', () => {
  const { tell, text } = screen(false)
  const lines = [
    tell({ event: 'control', change: 'ready', control }),
    tell(workload('starting', report('a', false))),
    tell({ event: 'live', object: 'HTTPRoute/shop/cart', live: 4, needed: 4 }),
    tell({ event: 'left-out', namespace: 'shop', name: 'ratings', reason: 'python3 is not on this machine' }),
  ]
  assert.deepEqual(lines, [
    'control plane ready\n',
    'a-abcde-0 starting\n',
    'HTTPRoute/shop/cart live on 4 of 4 proxies\n',
    'shop/ratings left out: python3 is not on this machine\n',
  ])
  assert.equal(stripVTControlCharacters(text()), text())
})

test('the hints name what to open and commands that work as they stand', () => {
  const { tell } = screen(false)
  tell({ event: 'control', change: 'ready', control })
  tell(workload('ready', report('front', true)))
  const hints = tell({
    event: 'hints',
    entrances: [{ service: 'shop/front', url: 'http://127.0.0.1:20003/' }],
    call: { proxy: 'http://127.0.0.1:20004', url: 'http://cart.shop/healthz' },
  })
  assert.match(hints, /Open\n {2}shop\/front +http:\/\/127\.0\.0\.1:20003\//)
  assert.match(
    hints,
    /Try\n {2}\.\/weft proxy status\n {2}\.\/weft proxy config front --type route\n {2}curl -x http:\/\/127\.0\.0\.1:20004 http:\/\/cart\.shop\/healthz\n/,
  )
})
