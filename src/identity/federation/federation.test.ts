/** Bundles of other trust domains over real TLS: who is believed, and what changes nothing. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '#/proxy/testing/engine.ts'
import { ManualClock, systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { seededRandom } from '#/std/random.ts'
import { newRoot, type SigningAuthority } from '../ca/signing-authority.ts'
import { formatBundleDocument, type TrustBundle } from '../spiffe/trust-bundle.ts'
import { newLeaf } from '../testing/authority.ts'
import { BundleEndpoint } from './bundle-endpoint.ts'
import { BundleFault, fetchBundle } from './bundle-fetch.ts'
import { type BundleSource, parseBundleSource } from './bundle-source.ts'
import { FederatedBundles } from './federated-bundles.ts'

const trustDomain = 'other.example'
const endpointId = 'spiffe://other.example/ns/weft-system/sa/weft-control'
const root = newRoot(trustDomain, Date.now())
const quiet = new Log({ component: 'test', sink: { write: () => undefined } })

function bundleOf(sequence: number, ...roots: SigningAuthority[]): TrustBundle {
  return { trustDomain, roots: roots.map((one) => one.root), sequence, refreshHintMs: 5000 }
}

function certificateOf(authority: SigningAuthority, id: string): { cert: string; key: string; expiresMs: number } {
  const { chain, key, leaf } = newLeaf(authority, { id })
  const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string
  return { cert: chain.join(''), key: pem, expiresMs: leaf.validToDate.getTime() }
}

/** An endpoint of somebody who answers as he likes. */
async function serve(
  t: TestContext,
  answer: RequestListener,
  certificate = certificateOf(root, endpointId),
): Promise<BundleSource> {
  const server = createServer(certificate, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { trustDomain, url: `https://127.0.0.1:${port}/`, endpointId, bundleFile: 'unused' }
}

const say =
  (text: string, status = 200): RequestListener =>
  (_, answer) =>
    answer.writeHead(status, { location: 'https://127.0.0.1:1/' }).end(text)

test('our endpoint serves the document to who verifies it by its SPIFFE id, and nothing else', async (t) => {
  let bundle = bundleOf(3, root)
  const endpoint = new BundleEndpoint({
    address: { host: '127.0.0.1', port: 0 },
    certificate: async () => certificateOf(root, endpointId),
    document: () => formatBundleDocument(bundle),
    clock: systemClock,
    log: quiet,
  })
  const { port } = await endpoint.listen()
  t.after(() => endpoint.stop())
  const source = { trustDomain, url: `https://127.0.0.1:${port}/`, endpointId }
  const fetched = await fetchBundle(source, bundleOf(1, root))
  assert.equal(fetched.sequence, 3)
  assert.deepEqual(
    fetched.roots.map(({ raw }) => raw),
    [root.root.raw],
  )
  const next = newRoot(trustDomain, Date.now())
  bundle = bundleOf(4, root, next)
  assert.equal((await fetchBundle(source, fetched)).roots.length, 2)
})

const refusals: [string, (t: TestContext) => Promise<BundleSource>, string][] = [
  [
    'who shows the id of somebody else',
    (t) => serve(t, say('{}'), certificateOf(root, 'spiffe://other.example/ns/a/sa/b')),
    'untrusted',
  ],
  [
    "who is of a stranger's root",
    (t) => serve(t, say('{}'), certificateOf(newRoot(trustDomain, Date.now()), endpointId)),
    'untrusted',
  ],
  ['what sends us elsewhere', (t) => serve(t, say('', 302)), 'redirected'],
  ['what is no answer', (t) => serve(t, say('', 500)), 'refused'],
  ['what is no JSON', (t) => serve(t, say('<html>')), 'malformed'],
  ['what has no keys', (t) => serve(t, say('{"keys":[]}')), 'empty'],
  ['keys of another use alone', (t) => serve(t, say('{"keys":[{"use":"jwt-svid","kty":"EC"}]}')), 'empty'],
  ['what is older than what was seen', (t) => serve(t, say(formatBundleDocument(bundleOf(1, root)))), 'older'],
  ['what is larger than any bundle', (t) => serve(t, say('x'.repeat(1_048_577))), 'too_large'],
  ['nobody', async () => ({ trustDomain, url: 'https://127.0.0.1:1/', endpointId }), 'unreachable'],
]

for (const [what, newSource, code] of refusals)
  test(`refuses ${what}: ${code}`, async (t) => {
    const source = await newSource(t)
    await assert.rejects(
      fetchBundle(source, bundleOf(2, root)),
      (error) => error instanceof BundleFault && error.code === code,
    )
  })

test('who is known by a SPIFFE id is not asked before there is a bundle to verify it by', async () => {
  const source = { trustDomain, url: 'https://127.0.0.1:1/', endpointId }
  await assert.rejects(
    fetchBundle(source, undefined),
    (error) => error instanceof BundleFault && error.code === 'untrusted',
  )
})

test('what was fetched is kept for the next start, a fault changes nothing, and it is asked again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-federation-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const bundleFile = join(folder, 'begin.json')
  writeFileSync(bundleFile, formatBundleDocument(bundleOf(1, root)))
  const source: BundleSource = { trustDomain, url: 'https://bundles.example/', endpointId, bundleFile }
  const clock = new ManualClock(Date.now())
  const answers: (TrustBundle | BundleFault)[] = [
    bundleOf(2, root, newRoot(trustDomain, Date.now())),
    new BundleFault('malformed', 'no JSON'),
    bundleOf(3, root),
  ]
  const fetch = async (): Promise<TrustBundle> => {
    const answer = answers.shift()!
    if (answer instanceof BundleFault) throw answer
    return answer
  }
  const options = { sources: [source], folder, fetch, clock, random: seededRandom(1), log: quiet }
  const federated = new FederatedBundles(options)
  const seen = (): [number, number, string] => {
    const [{ sequence, roots, fault }] = federated.report() as [ReturnType<FederatedBundles['report']>[number]]
    return [sequence, roots, fault]
  }
  assert.deepEqual(seen(), [1, 1, ''])
  federated.start()
  await until(() => seen()[0] === 2, 'the first fetch')
  clock.advance(5000)
  await until(() => seen()[2] !== '', 'the fault')
  assert.deepEqual(seen(), [2, 2, 'malformed: no JSON'])
  assert.equal(federated.bundles.value![0]!.roots.length, 2)
  assert.equal(federated.faults.get('malformed'), 1)
  const restarted = new FederatedBundles(options)
  assert.equal(restarted.report()[0]!.sequence, 2, 'a new process trusts whom the one before trusted')
  clock.advance(20_000)
  await until(() => seen()[0] === 3, 'the next fetch')
  assert.deepEqual(seen(), [3, 1, ''])
  assert.match(readFileSync(join(folder, `${trustDomain}.json`), 'utf8'), /"spiffe_sequence": 3/)
  federated.stop()
})

test('a source says its trust domain, its URL, and by whom it is vouched for', () => {
  assert.deepEqual(parseBundleSource('other.example=https://b.example/x'), { trustDomain, url: 'https://b.example/x' })
  assert.deepEqual(parseBundleSource(`other.example=https://b.example:8443/,id=${endpointId},bundle=o.json`), {
    trustDomain,
    url: 'https://b.example:8443/',
    endpointId,
    bundleFile: 'o.json',
  })
  for (const [text, reason] of [
    ['other.example', /expected TRUST-DOMAIN=/],
    ['other.example=http://b.example/', /expected TRUST-DOMAIN=/],
    ['Other.Example=https://b.example/', /lower-case/],
    ['other.example=https://b.example/,id=spiffe://third.example/a,bundle=o.json', /is not of other\.example/],
    [`other.example=https://b.example/,id=${endpointId}`, /say bundle=FILE too/],
    ['other.example=https://b.example/,colour=blue', /expected TRUST-DOMAIN=/],
  ] as const)
    assert.match(String(parseBundleSource(text)), reason, text)
})
