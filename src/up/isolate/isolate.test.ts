import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withResources } from '../testing/resources.ts'
import { planAddresses, podAddress, podNumberMax } from './address-plan.ts'
import { hostsFile } from './hosts-file.ts'
import { redirectRules } from './redirect-rules.ts'
import { findTools } from './requirement.ts'

test('a mesh has the same block of addresses each time, and one that is in use is passed over', () => {
  const used = new Set<string>()
  const first = planAddresses('/state/shop', used)
  assert.deepEqual(planAddresses('/state/shop', used), first)
  assert.match(first.pods, /^198\.18\.(\d+)\.0\/20$/)
  assert.equal(first.services, first.pods.replace('198.18.', '198.19.'))
  const gateways = new Set<string>()
  for (let i = 0; i < 16; i++) gateways.add(planAddresses('/state/shop', gateways).gateway)
  assert.equal(gateways.size, 16)
  assert.throws(() => planAddresses('/state/shop', gateways), /all 16 blocks/)
})

test('pods have addresses of their block, none of them the gateway or the prober', () => {
  const plan = planAddresses('/state/shop', new Set())
  const addresses = new Set(Array.from({ length: podNumberMax - 1 }, (_, i) => podAddress(plan, i + 2)))
  assert.equal(addresses.size, podNumberMax - 1)
  assert.ok(!addresses.has(plan.gateway) && !addresses.has(plan.prober))
  const third = Number(plan.gateway.split('.')[2])
  assert.ok([...addresses].every((one) => Math.floor(Number(one.split('.')[2]) / 16) === third / 16))
})

test('every name of a Service leads to its address, the short one in its own namespace only', () => {
  const yaml = `
{ apiVersion: v1, kind: Service, metadata: { name: cart, namespace: shop }, spec: { clusterIP: 198.19.0.9, ports: [{ port: 80 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: db, namespace: shop }, spec: { clusterIP: None, ports: [{ port: 80 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: out, namespace: shop }, spec: { type: ExternalName, externalName: a.example } }
`
  withResources(yaml, (resources) => {
    const ours = hostsFile(resources, { namespace: 'shop', gateway: '198.18.0.1' })
    assert.match(ours, /^127\.0\.0\.1 localhost\n/)
    assert.match(ours, /^198\.19\.0\.9 cart\.shop\.svc\.cluster\.local cart\.shop\.svc cart\.shop cart$/m)
    assert.match(ours, /^198\.18\.0\.1 db\.shop\.svc\.cluster\.local .* db$/m)
    assert.doesNotMatch(ours, /out/)
    const others = hostsFile(resources, { namespace: 'web', gateway: '198.18.0.1' })
    assert.match(others, /^198\.19\.0\.9 .* cart\.shop$/m)
  })
})

test('what is missing is named with its package, and other systems and users are told plainly', () => {
  const path = process.env.PATH!
  assert.match(String(findTools({ path, platform: 'darwin', uid: 0 })), /needs Linux/)
  assert.match(String(findTools({ path, platform: 'linux', uid: 1000 })), /needs root/)
  const folder = mkdtempSync(join(tmpdir(), 'weft-tools-'))
  for (const name of ['ip', 'nft', 'nsenter', 'unshare', 'setpriv', 'mount']) {
    writeFileSync(join(folder, name), '')
    chmodSync(join(folder, name), 0o755)
  }
  const tools = findTools({ path: folder, platform: 'linux', uid: 0 })
  rmSync(folder, { recursive: true })
  assert.equal(typeof tools === 'string' ? tools : tools.nft, join(folder, 'nft'))
})

test('nft takes the rules, where it is there to be asked', () => {
  const rules = redirectRules('198.18.15.254')
  assert.match(rules, /meta skuid 1337 return\n {4}oifname "lo" return\n {4}meta l4proto tcp redirect to :15001/)
  const check = spawnSync('unshare', ['--net', 'nft', '--check', '-f', '-'], { input: rules, encoding: 'utf8' })
  const isAble = check.error === undefined && !/not permitted|No such file|failed to execute/i.test(check.stderr)
  if (isAble) assert.deepEqual([check.status, check.stderr], [0, ''])
})
