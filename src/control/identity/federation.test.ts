/** Two meshes that believe one another's workloads, each fetching the other's bundle by its SPIFFE id. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rootSecretName } from '#/model/trust-secret.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { steerPlane } from './testing/steered-plane.ts'

const here = { host: '127.0.0.1', port: 0 }

async function until(isTrue: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 5000
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`still waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a mesh hands its sidecars the roots of another, and the next ones when that rotates', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-federation-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const other = await steerPlane(t, {
    trustDomain: 'other.example',
    federation: { sources: [], endpoint: { address: here } },
  })
  const bundleFile = join(folder, 'other.json')
  writeFileSync(bundleFile, other.plane.bundleDocument())
  const source = {
    trustDomain: 'other.example',
    url: `https://${formatHostPort(other.plane.bundleAddress!)}/`,
    endpointId: 'spiffe://other.example/ns/weft-system/sa/weft-control',
    bundleFile,
  }
  assert.equal(typeof other.plane.rotate('begin'), 'object')
  const ours = await steerPlane(t, { federation: { sources: [source] } })
  const rootsOfOther = (): number => {
    const { federation } = ours.plane.secrets().get(rootSecretName)!
    const [first] = federation?.others ?? []
    return first ? first.pem.split('BEGIN CERTIFICATE').length - 1 : 0
  }
  assert.equal(rootsOfOther(), 1, 'what its owner handed over')
  await until(() => rootsOfOther() === 2, 'the next root of the other mesh')
  const { federation } = ours.plane.secrets().get(rootSecretName)!
  assert.equal(federation!.trustDomain, 'cluster.local')
  const [report] = ours.plane.federation()
  assert.deepEqual([report!.profile, report!.roots, report!.fault], ['https_spiffe', 2, ''])
  assert.match(ours.log.join(''), /a bundle of another trust domain is in force/)
})
