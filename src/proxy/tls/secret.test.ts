import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { ClientTls, PemSource, ServerTls } from '#/model/tls.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { SecretStore } from './secret-store.ts'
import { echo, openMeeting } from './testing/meeting.ts'

const authority = testAuthority()
const secret = (name: string): PemSource => ({ type: 'secret', name })
const own = { chain: secret('default'), privateKey: secret('default') }
const who = (name: string): string => `spiffe://shop.example/ns/shop/sa/${name}`

const serverTls: ServerTls = {
  certificates: [own],
  alpn: ['h2'],
  clientCertificate: 'required',
  trustedCa: secret('ROOTCA'),
}
const clientTls = (subjectNames: string[]): ClientTls => ({
  serverName: '',
  alpn: ['h2'],
  certificate: own,
  trustedCa: secret('ROOTCA'),
  subjectNames,
})

/** Both sides of a meeting are the same workload here: it has one identity. */
function newSecrets(name: string): { secrets: SecretStore; become: (name: string) => void } {
  const secrets = new SecretStore()
  const become = (as: string): void => {
    const { chain, key } = authority.issue([who(as)])
    secrets.set('default', { chain, privateKey: key })
  }
  become(name)
  secrets.set('ROOTCA', { trustedCa: authority.pem })
  return { secrets, become }
}

test('two workloads of the mesh know each other by their secrets', async (t) => {
  const { secrets } = newSecrets('reviews')
  const meeting = await openMeeting(t, serverTls, secrets)
  const met = await meeting.meet(meeting.exit(clientTls([who('reviews')])))
  assert.equal(met.protocol, 'h2')
  assert.equal(await echo(met.socket!, 'hello'), 'hello')
  assert.deepEqual(meeting.entered[0]!.peer.clientNames, [who('reviews')])
  assert.equal((met.socket as TLSSocket).getProtocol(), 'TLSv1.3')
})

test('a new identity is shown to new connections, and the old ones go on', async (t) => {
  const { secrets, become } = newSecrets('reviews')
  const meeting = await openMeeting(t, serverTls, secrets)
  const exit = meeting.exit(clientTls([who('reviews'), who('ratings')]))
  const before = await meeting.meet(exit)
  become('ratings')
  const after = await meeting.meet(exit)
  assert.equal((after.socket as TLSSocket).getPeerX509Certificate()!.subjectAltName, `URI:${who('ratings')}`)
  assert.equal(await echo(before.socket!, 'still there'), 'still there')
})

test('roots that are withdrawn are trusted no more, though a ticket was kept', async (t) => {
  const { secrets } = newSecrets('reviews')
  const meeting = await openMeeting(t, serverTls, secrets)
  const exit = meeting.exit(clientTls([who('reviews')]))
  const first = await meeting.meet(exit)
  await echo(first.socket!, 'a ticket comes with it')
  secrets.set('ROOTCA', { trustedCa: testAuthority().pem })
  const { code } = await meeting.meet(exit)
  assert.equal(code, 'upstream_tls_untrusted')
})

test('a side without its secret says so by name, and is well when it comes', async (t) => {
  const secrets = new SecretStore()
  secrets.set('ROOTCA', { trustedCa: authority.pem })
  await assert.rejects(openMeeting(t, serverTls, secrets), /secret default has not come yet/)
  const { chain, key } = authority.issue([who('reviews')])
  const alone = new SecretStore()
  const meeting = await openMeeting(t, { ...serverTls, clientCertificate: 'none', ...inline(chain, key) }, alone)
  const exit = meeting.exit(clientTls([who('reviews')]))
  const { detail } = await meeting.meet(exit)
  assert.match(detail!, /secret (default|ROOTCA) has not come yet/)
  alone.set('default', { chain, privateKey: key })
  alone.set('ROOTCA', { trustedCa: authority.pem })
  assert.equal((await meeting.meet(exit)).protocol, 'h2')
})

test('setting the same secret again disturbs nobody', () => {
  const secrets = new SecretStore()
  let changes = 0
  const stop = secrets.watch('default', () => changes++)
  secrets.set('default', { chain: 'a', privateKey: 'b' })
  secrets.set('default', { chain: 'a', privateKey: 'b' })
  secrets.set('ROOTCA', { trustedCa: 'c' })
  assert.equal(changes, 1)
  stop()
  secrets.set('default', { chain: 'd', privateKey: 'b' })
  assert.equal(changes, 1)
})

function inline(chain: string, key: string): Pick<ServerTls, 'certificates' | 'trustedCa'> {
  const pem = (text: string): PemSource => ({ type: 'inline', pem: text })
  return { certificates: [{ chain: pem(chain), privateKey: pem(key) }], trustedCa: pem(authority.pem) }
}
