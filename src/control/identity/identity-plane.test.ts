import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { verifyPeerChain } from '#/identity/spiffe/peer-chain.ts'
import { readCertificates } from '#/identity/spiffe/trust-bundle.ts'
import { newKeys, trustDomain } from '#/identity/testing/authority.ts'
import { askForCertificate, CertificateRefusal } from '#/identity/workload/certificate-client.ts'
import { dialSecurely } from '#/identity/workload/secure-dial.ts'
import type { Svid } from '#/identity/workload/svid.ts'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import { XdsClient } from '#/xds/fetch/xds-client.ts'
import { decoders } from '#/xds/resources/decode/decoders.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import { nextSvid, type SteeredPlane, steerPlane } from './testing/steered-plane.ts'

test('a workload with a token gets a leaf in its own name, which verifies, and logs nothing of key or token', async (t) => {
  const steered = await steerPlane(t)
  const { identity, log } = steered.workload()
  identity.start()
  const svid = await nextSvid(identity)
  assert.equal(svid.spiffeId, `spiffe://${trustDomain}/ns/shop/sa/cart`)
  const bundle = { trustDomain, roots: readCertificates(svid.bundlePem), sequence: 1, refreshHintMs: 1 }
  const verdict = verifyPeerChain(readCertificates(svid.certificateChainPem), {
    nowMs: Date.now(),
    bundleOf: () => bundle,
  })
  assert.ok(verdict.ok)
  assert.ok(new X509Certificate(svid.certificateChainPem).checkPrivateKey(svid.privateKey))
  const words = [...steered.log, ...log].join('')
  assert.match(words, /a certificate was issued/)
  assert.match(words, /cart-1\.shop/)
  assert.doesNotMatch(words, /eyJ|PRIVATE KEY/)
})

test('the leaf is renewed by itself at half its life, without another token, under a new key', async (t) => {
  const steered = await steerPlane(t, { leafLifeMs: 1000 })
  const { identity } = steered.workload()
  identity.start()
  const first = await nextSvid(identity)
  const second = await nextSvid(identity, (svid) => svid !== first)
  assert.notEqual(second.certificateChainPem, first.certificateChainPem)
  assert.ok(!second.privateKey.equals(first.privateKey))
  assert.equal(steered.log.filter((line) => line.includes('"proof":"token"')).length, 1)
  assert.ok(steered.log.some((line) => line.includes('"proof":"leaf"') && line.includes('cart-1.shop')))
})

test('a workload whose leaf ran out while nobody answered recovers by a fresh token', async (t) => {
  const steered = await steerPlane(t, { leafLifeMs: 1000 })
  let isAnswering = true
  const ask: typeof askForCertificate = (call) =>
    isAnswering
      ? askForCertificate(call)
      : Promise.reject(new CertificateRefusal({ code: 14, message: 'nobody answers' }))
  const { identity, tokenFile } = steered.workload({ ask })
  identity.start()
  const first = await nextSvid(identity)
  isAnswering = false
  while (first.expiresMs > clock.wallMs()) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(identity.isUnreachable)
  writeFileSync(tokenFile, steered.newToken())
  isAnswering = true
  const second = await nextSvid(identity, (svid) => svid !== first)
  assert.ok(second.expiresMs > clock.wallMs())
  assert.equal(identity.reason, '')
  assert.equal(steered.log.filter((line) => line.includes('"proof":"token"')).length, 2)
})

test('what is trusted reaches a workload at once, and another signing root makes it renew', async (t) => {
  const steered = await steerPlane(t, { leafLifeMs: 10_000 })
  const { identity } = steered.workload()
  identity.start()
  const first = await nextSvid(identity)
  steered.plane.rotate('begin')
  const both = await nextSvid(identity, ({ bundlePem }) => bundlePem !== first.bundlePem)
  assert.equal(readCertificates(both.bundlePem).length, 2)
  assert.equal(both.certificateChainPem, first.certificateChainPem, 'the old root signs still')
  steered.plane.rotate('advance')
  const renewed = await nextSvid(
    identity,
    ({ certificateChainPem }) => certificateChainPem !== first.certificateChainPem,
  )
  assert.ok(new X509Certificate(renewed.certificateChainPem).checkIssued(readCertificates(renewed.bundlePem)[0]!))
})

test('a workload that can not reach the authority says so', async (t) => {
  const steered = await steerPlane(t)
  const { identity } = steered.workload()
  await steered.plane.stop()
  identity.start()
  while (identity.reason === '' || !identity.isUnreachable) await new Promise(setImmediate)
  assert.equal(identity.svid.value, undefined)
  assert.match(identity.reason, /ECONNREFUSED|closed/)
})

/** What an xDS stream as `node` is told. */
function connect(t: TestContext, steered: SteeredPlane, options: { node: string; leaf?: Svid }): Promise<string> {
  const { node, leaf } = options
  const roots = steered.plane.authority.presentBundle.roots.map(String).join('')
  return new Promise((resolve) => {
    let isTold = false
    const tell = (outcome: string): void => {
      isTold = true
      resolve(outcome)
    }
    const sink = {
      write: (line: string) => {
        if (line.includes('lost the control plane')) tell((JSON.parse(line) as { reason: string }).reason)
      },
    }
    const client = new XdsClient({
      node: { id: node, cluster: '', userAgent: 'weft', userAgentVersion: '', metadata: {} },
      addresses: [steered.address],
      protocol: 'delta',
      decoders,
      openStream: (stream) =>
        new GrpcStream({
          ...stream,
          isSecure: true,
          dial: (address) => dialSecurely(address, { roots, trustDomain, ...(leaf ? { leaf } : {}) }),
        }),
      backoff: new Backoff({ initialMs: 10_000, maxMs: 10_000, random }),
      clock,
      log: new Log({ component: 'proxy', sink }),
    })
    client.subscribe('listener', '*', { onResource: () => undefined, onMissing: () => undefined } as never)
    client.start()
    t.after(() => client.stop())
    const poll = (): void => {
      if (steered.ads.clients().some((one) => one.isConnected && one.node.id === node)) tell('served')
      else if (!isTold) setImmediate(poll)
    }
    poll()
  })
}

test('configuration goes to who shows the leaf of that node, and to nobody else', async (t) => {
  const accounts = new Map([['other-1.shop', 'other']])
  const steered = await steerPlane(t, { accountOf: (node) => accounts.get(node) })
  const { identity } = steered.workload()
  identity.start()
  const leaf = await nextSvid(identity)
  assert.match(await connect(t, steered, { node: 'cart-1.shop' }), /shows a certificate/)
  assert.match(await connect(t, steered, { node: 'cart-1.web', leaf }), /issued to cart-1\.shop/)
  assert.match(await connect(t, steered, { node: 'other-1.shop', leaf }), /issued to cart-1\.shop/)
  assert.equal(await connect(t, steered, { node: 'cart-1.shop', leaf }), 'served')
})

test('where a leaf does not say whose it is, namespace and account must fit still', async (t) => {
  const steered = await steerPlane(t, { accountOf: (node) => (node === 'other-1.shop' ? 'other' : undefined) })
  const { publicKey, privateKey } = newKeys()
  const id = { trustDomain, path: '/ns/shop/sa/cart' }
  const { chain, expiresMs } = steered.plane.authority.issue({ publicKey, id })
  const leaf = { spiffeId: '', certificateChainPem: chain[0]!, privateKey, bundlePem: '', expiresMs }
  assert.match(await connect(t, steered, { node: 'cart-1.web', leaf }), /namespace shop/)
  assert.match(await connect(t, steered, { node: 'other-1.shop', leaf }), /runs as other/)
  assert.equal(await connect(t, steered, { node: 'cart-1.shop', leaf }), 'served')
})
