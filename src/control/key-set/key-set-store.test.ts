import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resources } from '#/control/source/resources.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { KeySetStore } from './key-set-store.ts'

const uri = 'https://auth.example/jwks'
const keys = (kid: string) =>
  JSON.stringify({
    keys: [
      { kty: 'RSA', kid, n: 'AQ', e: 'AQAB', d: 'secret' },
      { kty: 'oct', k: 'secret' },
    ],
  })

function resourcesWith(uris: readonly string[]): Resources {
  const jwt = { providers: uris.map((jwksUri) => ({ name: jwksUri, issuer: jwksUri, jwksUri })) }
  const policies = new Map([['a', { value: { spec: { jwt } } }]])
  return { of: () => policies } as unknown as Resources
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function start(answer: () => Response | Error) {
  const clock = new ManualClock()
  const log: string[] = []
  const state = { asked: 0, changes: 0 }
  const store = new KeySetStore({
    clock,
    log: new Log({ component: 'control', level: 'debug', sink: { write: (line) => void log.push(line) } }),
    onChange: () => state.changes++,
    fetch: async () => {
      state.asked++
      const given = answer()
      if (given instanceof Error) throw given
      return given
    },
  })
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await settle()
  }
  return { store, state, log, advance }
}

test('keys are fetched, looked for again, and told when they have changed', async () => {
  let kid = 'one'
  const { store, state, advance } = start(() => new Response(keys(kid)))
  store.follow(resourcesWith([uri]))
  await advance(0)
  assert.equal(store.found.get(uri), '{"keys":[{"kty":"RSA","kid":"one","n":"AQ","e":"AQAB"}]}')
  assert.equal(state.changes, 1)
  await advance(60_000)
  assert.equal(state.asked, 2)
  assert.equal(state.changes, 1)
  kid = 'two'
  await advance(60_000)
  assert.equal(state.changes, 2)
  assert.match(store.found.get(uri)!, /"two"/)
})

test('the last keys are kept while the issuer does not answer, answers nonsense or too much', async () => {
  const answers = [
    () => new Response(keys('one')),
    () => new Error('ECONNREFUSED'),
    () => new Response('no', { status: 500 }),
    () => new Response('<html>the secret of a neighbour</html>'),
    () => new Response('x'.repeat(300_000)),
  ]
  const { store, state, log, advance } = start(() => answers.shift()!())
  store.follow(resourcesWith([uri]))
  await advance(0)
  for (let turn = 0; turn < 4; turn++) await advance(60_000)
  assert.equal(answers.length, 0)
  assert.equal(state.changes, 1)
  assert.match(store.found.get(uri)!, /"one"/)
  assert.equal(log.length, 4)
  assert.doesNotMatch(log.join(), /neighbour/)
})

test('where there are none yet they are asked for every two seconds, and not when nobody names them', async () => {
  const { store, state, advance } = start(() => new Error('ECONNREFUSED'))
  store.follow(resourcesWith([uri]))
  await advance(0)
  await advance(2000)
  assert.equal(state.asked, 2)
  store.follow(resourcesWith([]))
  await advance(60_000)
  assert.equal(state.asked, 2)
})
