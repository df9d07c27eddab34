/** What the TLS port refuses: each is counted, named in the log, and leaves the others alone. */
import assert from 'node:assert/strict'
import { randomBytes, sign, type X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectSecurely } from 'node:tls'
import { nameOf } from '#/identity/ca/certificate-writer.ts'
import type { SigningAuthority } from '#/identity/ca/signing-authority.ts'
import { bitString, element, formatPem, oid, sequence, set, smallInteger } from '#/identity/der/der-writer.ts'
import { formatCertificates, readCertificates } from '#/identity/spiffe/trust-bundle.ts'
import {
  newIntermediate,
  newKeys,
  newLeaf,
  newRoot,
  revocationList,
  trustDomain,
} from '#/identity/testing/authority.ts'
import { signToken } from '#/identity/token/token-signer.ts'
import { askForCertificate, type CertificateCall, CertificateRefusal } from '#/identity/workload/certificate-client.ts'
import { createCertificatePath } from '#/identity/workload/certificate-message.ts'
import { newKeyRequest } from '#/identity/workload/key-request.ts'
import { dialSecurely } from '#/identity/workload/secure-dial.ts'
import { rootSecretName } from '#/model/trust-secret.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import { cart, nextSvid, type SteeredPlane, steerPlane } from './testing/steered-plane.ts'

type Ask = Partial<CertificateCall>

async function ask(steered: SteeredPlane, changed: Ask = {}): Promise<string[]> {
  const { request } = await newKeyRequest()
  const roots = formatCertificates(steered.plane.authority.presentBundle.roots)
  return askForCertificate({ address: steered.address, request, roots, trustDomain, clock, ...changed })
}

/** gRPC status of the refusal, and its words. */
async function refusal(steered: SteeredPlane, changed: Ask): Promise<string> {
  try {
    await ask(steered, changed)
    return 'granted'
  } catch (error) {
    if (!(error instanceof CertificateRefusal)) throw error
    return `${error.status.code} ${error.message}`
  }
}

const counted = (steered: SteeredPlane, reason: string): number =>
  Number(
    new RegExp(`weft_identity_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(steered.plane.metrics())?.[1] ?? 0,
  )

test('who proves nothing is refused', async (t) => {
  const steered = await steerPlane(t)
  assert.match(await refusal(steered, {}), /^16 neither a token nor a certificate/)
  assert.equal(counted(steered, 'token_missing'), 1)
})

test('a token of another key is refused, counted, and not repeated in the log', async (t) => {
  const steered = await steerPlane(t)
  const token = signToken(randomBytes(32), cart, Date.now())
  assert.match(await refusal(steered, { token }), /^16 the token is refused: its signature/)
  assert.equal(counted(steered, 'token_signature'), 1)
  const words = steered.log.join('')
  assert.match(words, /a certificate was refused.*token_signature/)
  for (const part of token.split('.')) assert.ok(!words.includes(part))
})

test('a token that served is refused for another key', async (t) => {
  const steered = await steerPlane(t)
  const token = steered.newToken()
  assert.equal((await ask(steered, { token })).length, 2)
  assert.match(await refusal(steered, { token }), /^16 .*served already/)
  assert.equal(counted(steered, 'token_replayed'), 1)
})

test('a workload whose answer was lost asks again for the same key, and is granted', async (t) => {
  const steered = await steerPlane(t)
  let isLost = true
  const { identity } = steered.workload({
    ask: async (call) => {
      const chain = await askForCertificate(call)
      if (!isLost) return chain
      isLost = false
      throw new CertificateRefusal({ code: 14, message: 'lost' })
    },
  })
  identity.start()
  assert.equal((await nextSvid(identity)).spiffeId, `spiffe://${trustDomain}/ns/shop/sa/cart`)
  assert.equal(counted(steered, 'token_replayed'), 0)
})

test('names and extensions that a request wishes for are ignored, and told', async (t) => {
  const steered = await steerPlane(t)
  const { publicKey, privateKey } = newKeys()
  const names = sequence(element(0x86, Buffer.from(`spiffe://${trustDomain}/ns/shop/sa/admin`)))
  const wish = sequence(oid('2.5.29.17'), element(0x04, names))
  const authority = sequence(oid('2.5.29.19'), element(0x04, sequence(element(0x01, Buffer.of(0xff)))))
  const attributes = element(0xa0, sequence(oid('1.2.840.113549.1.9.14'), set(sequence(wish, authority))))
  const info = sequence(smallInteger(0), nameOf('admin'), publicKey.export({ type: 'spki', format: 'der' }), attributes)
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const der = sequence(info, algorithm, bitString(sign('sha256', info, privateKey)))
  const chain = await ask(steered, { token: steered.newToken(), request: formatPem('CERTIFICATE REQUEST', der) })
  const [leaf] = readCertificates(chain[0]!)
  assert.equal(leaf!.subjectAltName, `URI:spiffe://${trustDomain}/ns/shop/sa/cart`)
  assert.equal(leaf!.ca, false)
  assert.equal(leaf!.subject, 'UID=cart-1.shop')
  assert.match(steered.log.join(''), /names or extensions that the request asked for/)
})

for (const request of ['', 'hello', formatPem('CERTIFICATE REQUEST', randomBytes(100)), 'x'.repeat(100_000)]) {
  test(`a request of ${request.length} bytes that is none is refused`, async (t) => {
    const steered = await steerPlane(t)
    assert.match(await refusal(steered, { token: steered.newToken(), request }), /^3 /)
    assert.equal(counted(steered, 'request_malformed'), 1)
  })
}

test('a token that is larger than what a field may hold costs its connection at most', async (t) => {
  const steered = await steerPlane(t)
  assert.match(await refusal(steered, { token: 'x'.repeat(9000) }), /^16 .*longer than/)
  assert.notEqual(await refusal(steered, { token: 'x'.repeat(200_000) }), 'granted')
  assert.equal((await ask(steered, { token: steered.newToken() })).length, 2)
})

test('a flood of requests by one workload is refused, and another gets its certificate meanwhile', async (t) => {
  const steered = await steerPlane(t)
  const flood = Array.from({ length: 60 }, () => refusal(steered, { token: steered.newToken() }))
  const outcomes = await Promise.all(flood)
  const refused = outcomes.filter((outcome) => outcome.startsWith('8 '))
  assert.ok(refused.length >= 10, `${refused.length} of 60 were refused`)
  assert.ok(outcomes.includes('granted'))
  assert.equal(counted(steered, 'too_many'), refused.length)
  assert.equal(await refusal(steered, { token: steered.newToken({ ...cart, pod: 'cart-2' }) }), 'granted')
  const lines = steered.log.filter((line) => line.includes('a certificate was refused'))
  assert.ok(lines.length <= 11, `${lines.length} lines of the log`)
})

/** A client that shows a chain of its own. */
async function showing(steered: SteeredPlane, chain: X509Certificate[], key: SigningAuthority['key']): Promise<string> {
  return refusal(steered, { leaf: { certificateChainPem: formatCertificates(chain), privateKey: key } })
}

test('leaves of strangers end with their connection, by name', async (t) => {
  const steered = await steerPlane(t)
  const stranger = newRoot(trustDomain, Date.now())
  const { leaf, key } = newLeaf(stranger)
  assert.match(await showing(steered, [leaf], key), /^14 /)
  assert.match(await showing(steered, [leaf, stranger.root], key), /^14 /)
  assert.equal(counted(steered, 'leaf_unknown_issuer'), 2)
  const foreign = newLeaf(stranger, { id: 'spiffe://evil.example/ns/shop/sa/cart' })
  assert.match(await showing(steered, [foreign.leaf], foreign.key), /^14 /)
  assert.equal(counted(steered, 'leaf_wrong_trust_domain'), 1)
  assert.match(steered.log.join(''), /a connection was refused.*leaf_unknown_issuer/)
})

test('a leaf renews itself; stolen, it is worth nothing once its root is withdrawn', async (t) => {
  const steered = await steerPlane(t)
  const { identity } = steered.workload()
  identity.start()
  const svid = await nextSvid(identity)
  identity.stop()
  assert.equal(await refusal(steered, { leaf: svid }), 'granted')
  for (const step of ['begin', 'advance', 'advance', 'advance'] as const)
    assert.equal(typeof steered.plane.rotate(step), 'object', step)
  // The port shows a leaf of the old root for a moment yet, whom the thief, who knows the new one, would not believe.
  for (let attempt = 0; attempt < 50 && counted(steered, 'leaf_unknown_issuer') === 0; attempt++) {
    assert.match(await refusal(steered, { leaf: svid }), /^14 /)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.ok(counted(steered, 'leaf_unknown_issuer') >= 1)
})

test('a leaf is renewed no more when its pod is gone', async (t) => {
  const accounts = new Map([['cart-1.shop', 'cart']])
  const steered = await steerPlane(t, { accountOf: (node) => accounts.get(node) })
  const { identity } = steered.workload()
  identity.start()
  const svid = await nextSvid(identity)
  identity.stop()
  assert.equal(await refusal(steered, { leaf: svid }), 'granted')
  accounts.clear()
  assert.match(await refusal(steered, { leaf: svid }), /^16 .*cart-1\.shop, is gone/)
  assert.equal(counted(steered, 'pod_gone'), 1)
})

test('a leaf that was renewed since renews for the key of the newest alone', async (t) => {
  const steered = await steerPlane(t)
  const { identity } = steered.workload()
  identity.start()
  const svid = await nextSvid(identity)
  identity.stop()
  const { request } = await newKeyRequest()
  assert.equal(await refusal(steered, { leaf: svid, request }), 'granted')
  assert.equal(await refusal(steered, { leaf: svid, request }), 'granted', 'its answer may have been lost')
  assert.match(await refusal(steered, { leaf: svid }), /^16 .*renewed since/)
  assert.equal(counted(steered, 'leaf_superseded'), 1)
})

test('below a plugged-in authority all is the same, and a revoked leaf gets no connection', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-plugged-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const inner = newIntermediate(newRoot(trustDomain, Date.now()))
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), roots: join(folder, 'ca.crt') }
  writeFileSync(files.certificate, formatCertificates(inner.intermediates))
  writeFileSync(files.key, inner.key.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(files.roots, formatCertificates([inner.root]))
  const [good, stolen] = [newLeaf(inner), newLeaf(inner)]
  const revocations = join(folder, 'ca.crl')
  writeFileSync(revocations, revocationList(inner, [stolen.leaf.serialNumber]))
  const steered = await steerPlane(t, { plugged: { type: 'plugged', files, revocations, pollMs: 1000 } })
  assert.equal((await ask(steered, { token: steered.newToken() })).length, 3, 'leaf, intermediate, root')
  const { identity } = steered.workload()
  identity.start()
  assert.equal(readCertificates((await nextSvid(identity)).certificateChainPem).length, 2)
  assert.equal(await showing(steered, [good.leaf, inner.certificate], good.key), 'granted')
  assert.match(await showing(steered, [stolen.leaf, inner.certificate], stolen.key), /^14 /)
  assert.equal(counted(steered, 'leaf_revoked'), 1)
  const pem = readFileSync(revocations, 'utf8')
  // The root has no list: a verifier that wants one of each authority would refuse everybody.
  const handedOut = () => steered.plane.secrets().get(rootSecretName)?.revocations
  assert.deepEqual(handedOut(), { pem, isOfLeavesAlone: true })
})

test("the control plane's own leaf, were it stolen, names no workload", async (t) => {
  const steered = await steerPlane(t)
  const { publicKey, privateKey } = newKeys()
  const { chain } = steered.plane.authority.issue({ publicKey, id: { trustDomain, path: '/spire/agent' } })
  assert.match(
    await refusal(steered, { leaf: { certificateChainPem: chain[0]!, privateKey } }),
    /^16 .*not that of a workload/,
  )
})

test('a client trusts the control plane of its trust domain alone', async (t) => {
  const steered = await steerPlane(t)
  const stranger = formatCertificates([newRoot(trustDomain, Date.now()).root])
  assert.match(await refusal(steered, { token: 'x', roots: stranger }), /^14 /)
  assert.match(await refusal(steered, { token: 'x', trustDomain: 'other.example' }), /^14 who answers is spiffe/)
})

test('plaintext, HTTP/1.1 and old versions of TLS get nowhere, and the port serves on', async (t) => {
  const steered = await steerPlane(t)
  const plain = connect(steered.address)
  plain.on('error', () => undefined).end('GET / HTTP/1.1\r\n\r\n')
  await new Promise((resolve) => plain.on('close', resolve).resume())
  const ca = readFileSync(steered.bundleFile)
  for (const changed of [
    { ALPNProtocols: ['http/1.1'] },
    {},
    { ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' as const },
  ]) {
    const socket = connectSecurely({ ...steered.address, ca, servername: 'weft-control', ...changed })
    await new Promise((resolve) =>
      socket
        .on('error', () => undefined)
        .on('close', resolve)
        .resume(),
    )
  }
  assert.equal((await ask(steered, { token: steered.newToken() })).length, 2)
  assert.equal(counted(steered, 'alpn'), 1)
  assert.ok(counted(steered, 'handshake') >= 2)
})

test('a message that is no order is refused, and no fault of ours is told to a caller', async (t) => {
  const steered = await steerPlane(t)
  const roots = readFileSync(steered.bundleFile, 'utf8')
  const end = await new Promise<string>((resolve) => {
    const stream: GrpcStream = new GrpcStream({
      address: steered.address,
      path: createCertificatePath,
      isSecure: true,
      dial: (address) => dialSecurely(address, { roots, trustDomain }),
      onOpen: () =>
        setImmediate(() => {
          stream.send(Buffer.from('ff', 'hex'))
          stream.finish()
        }),
      onMessage: () => undefined,
      onClosed: ({ code, message }) => resolve(`${code} ${message}`),
    })
  })
  assert.equal(end, '3 the message can not be read')
})
