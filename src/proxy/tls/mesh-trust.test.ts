/** What a sidecar holds an endpoint's certificate against, beyond what OpenSSL does. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { newRoot, type SigningAuthority } from '#/identity/ca/signing-authority.ts'
import { newLeaf, revocationList } from '#/identity/testing/authority.ts'
import { meshClientTls } from '#/model/mutual-tls.ts'
import { SecretStore } from './secret-store.ts'
import { openMeeting } from './testing/meeting.ts'

const root = newRoot('cluster.local', Date.now())
const foreign = newRoot('other.example', Date.now())
const cart = 'spiffe://cluster.local/ns/shop/sa/cart'
const web = 'spiffe://cluster.local/ns/shop/sa/web'

function pemOf(id: string, authority: SigningAuthority = root) {
  const { key, chain, leaf } = newLeaf(authority, { id })
  return { chain: chain.join(''), privateKey: key.export({ type: 'pkcs8', format: 'pem' }) as string, leaf }
}

/** An endpoint that shows this certificate, and a caller of the mesh that expects `cart`. */
async function meetEndpoint(t: TestContext, shown: ReturnType<typeof pemOf>) {
  const secrets = new SecretStore()
  const { chain, privateKey } = pemOf(web)
  secrets.set('default', { chain, privateKey })
  secrets.set('ROOTCA', { trustedCa: root.root.toString() })
  const inline = (pem: string) => ({ type: 'inline' as const, pem })
  const certificate = { chain: inline(shown.chain), privateKey: inline(shown.privateKey) }
  const server = { certificates: [certificate], clientCertificate: 'none' as const, alpn: [] }
  const meeting = await openMeeting(t, server, secrets)
  const exit = meeting.exit({ ...meshClientTls, subjectNames: [cart] })
  const meet = async (): Promise<string> => {
    const { socket, code = '', detail = '' } = await meeting.meet(exit)
    socket?.destroy()
    return socket ? 'met' : `${code}: ${detail}`
  }
  return { secrets, meet }
}

test('an endpoint whose leaf is revoked is not called any more, whatever ticket it gave', async (t) => {
  const shown = pemOf(cart)
  const { secrets, meet } = await meetEndpoint(t, shown)
  assert.equal(await meet(), 'met')
  const revocations = revocationList(root, [shown.leaf.serialNumber])
  secrets.set('ROOTCA', { trustedCa: root.root.toString(), revocations })
  assert.match(await meet(), /^upstream_tls_untrusted: the certificate of the endpoint will not do: revoked/)
  secrets.set('ROOTCA', { trustedCa: root.root.toString() })
  assert.equal(await meet(), 'met')
})

test('the root of another trust domain does not say who is who in ours', async (t) => {
  const { secrets, meet } = await meetEndpoint(t, pemOf(cart, foreign))
  const federated = [{ trustDomain: 'other.example', pem: foreign.root.toString() }]
  secrets.set('ROOTCA', { trustedCa: root.root.toString(), federated })
  assert.match(await meet(), /^upstream_tls_untrusted: /)
})
