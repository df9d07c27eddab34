/** The example with a doorkeeper, as processes: who is asked, what comes of it, and what holds when nobody can be asked. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { call } from '#/proxy/testing/peer.ts'
import { until } from '#/up/testing/until.ts'
import { LaptopMesh } from './testing/laptop-mesh.ts'

let mesh: LaptopMesh
before(async () => {
  mesh = new LaptopMesh('authorization')
  await mesh.ready()
})
after(() => mesh?.stop())

/** As `desk` would, by its sidecar. */
async function ask(badge?: string, method = 'GET'): Promise<string> {
  const { hostname, port } = new URL(mesh.workload('desk').outbound!)
  const headers: Record<string, string> = { 'x-person': 'forged', ...(badge ? { 'x-badge': badge } : {}) }
  const proxy = { host: hostname, port: Number(port) }
  const { status, body } = await call(proxy, { host: 'orders.office', path: 'http://orders.office/', method, headers })
  return `${status} ${body.split('\n')[0]}`
}

test('who has a badge is let in by the name that the doorkeeper knows, who has none is not', async () => {
  assert.equal(await ask('7'), '200 orders of ann')
  assert.equal(await ask(), '401 no badge, no orders')
  assert.equal(await ask('8', 'DELETE'), '403 bob may only look')
})

test('without a doorkeeper nobody gets in, until the policy says that everybody does', async () => {
  const file = join(mesh.folder, 'mesh.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace('backendRef: {name: doorkeeper, port: 80}', 'backendRef: {name: doorkeeper, port: 81}'),
  )
  await until(async () => (await ask('7')).startsWith('403 authorization_unavailable'), 'the refusal')
  const open = text.replace('{name: doorkeeper, port: 80}', '{name: doorkeeper, port: 81}\n    failureMode: Allow')
  writeFileSync(file, open)
  await until(async () => (await ask()) === '200 orders of forged', 'the open door')
  writeFileSync(file, text)
  await until(async () => (await ask()) === '401 no badge, no orders', 'the doorkeeper again')
})
