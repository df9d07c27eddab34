/** gRPC programs that take their identity from the three files which `weft identity serve --write` keeps (gRFC A29), through a change of the root. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Client, experimental, Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { certificateFileNames, writeCertificateFiles } from '#/identity/agent/certificate-files.ts'
import { newRoot, type SigningAuthority } from '#/identity/ca/signing-authority.ts'
import { formatCertificates } from '#/identity/spiffe/trust-bundle.ts'
import { newLeaf, trustDomain } from '#/identity/testing/authority.ts'
import { until } from '#/up/testing/until.ts'

const path = '/test.Echo/Say'
const asIs = (bytes: Buffer): Buffer => bytes
const idOf = (name: string): string => `spiffe://${trustDomain}/ns/shop/sa/${name}`

/** As the agent writes them: leaf and key of one authority, all trusted roots. */
function write(folder: string, name: string, by: SigningAuthority, trusted: readonly SigningAuthority[]): void {
  const { leaf, key } = newLeaf(by, { id: idOf(name) })
  writeCertificateFiles(folder, {
    spiffeId: idOf(name),
    certificateChainPem: formatCertificates([leaf]),
    privateKey: key,
    bundlePem: formatCertificates(trusted.map(({ root }) => root)),
    expiresMs: leaf.validToDate.getTime(),
  })
}

function providerOf(folder: string) {
  return new experimental.FileWatcherCertificateProvider({
    certificateFile: join(folder, certificateFileNames.certificate),
    privateKeyFile: join(folder, certificateFileNames.key),
    caCertificateFile: join(folder, certificateFileNames.roots),
    refreshIntervalMs: 50,
  })
}

async function serve(t: TestContext, folder: string): Promise<number> {
  const server = new Server()
  const say = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
  server.addService(
    { say },
    {
      say(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) {
        const { raw } = call.getAuthContext().sslPeerCertificate ?? {}
        reply(null, Buffer.from(raw ? (new X509Certificate(raw).subjectAltName ?? '') : 'nobody'))
      },
    },
  )
  const provider = providerOf(folder)
  const credentials = experimental.createCertificateProviderServerCredentials(provider, provider, true)
  t.after(() => server.forceShutdown())
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
  )
}

/** By a connection of its own. @returns whom the server saw, or the status. */
async function say(port: number, folder: string): Promise<string> {
  const provider = providerOf(folder)
  const credentials = experimental.createCertificateProviderChannelCredentials(provider, provider, {
    checkServerIdentity: (_host, { subjectaltname }) =>
      subjectaltname === `URI:${idOf('echo')}` ? undefined : new Error(`it is ${subjectaltname}`),
  })
  const client = new Client(`127.0.0.1:${port}`, credentials, { 'grpc.ssl_target_name_override': 'echo.shop' })
  const deadline = Date.now() + 2000
  const answer = await new Promise<string>((resolve) =>
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from('hi'), { deadline }, (error, bytes) =>
      resolve(error ? `${error.code} ${error.message}` : String(bytes)),
    ),
  )
  client.close()
  return answer
}

test('gRPC programs know each other by the files of the agent, before, through and after a change of the root', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'weft-grpc-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const [server, client, thief] = ['server', 'client', 'thief'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ]
  const [old, next, stranger] = [1, 2, 3].map(() => newRoot(trustDomain, Date.now())) as [
    SigningAuthority,
    SigningAuthority,
    SigningAuthority,
  ]
  write(server, 'echo', old, [old])
  write(client, 'cart', old, [old])
  write(thief, 'cart', stranger, [old])
  const port = await serve(t, server)
  assert.equal(await say(port, client), `URI:${idOf('cart')}`)
  assert.match(await say(port, thief), /^14 /, 'who is vouched for by a stranger is refused')
  // New root trusted, issued from, old one withdrawn: as `weft ca rotate` goes about it.
  write(server, 'echo', old, [old, next])
  write(client, 'cart', old, [old, next])
  assert.equal(await say(port, client), `URI:${idOf('cart')}`)
  write(client, 'cart', next, [old, next])
  await until(async () => (await say(port, client)) === `URI:${idOf('cart')}`, 'the new leaf of the client')
  write(server, 'echo', next, [next])
  write(client, 'cart', next, [next])
  await until(async () => (await say(port, client)) === `URI:${idOf('cart')}`, 'the new leaf of the server')
  write(thief, 'cart', old, [next])
  assert.match(await say(port, thief), /^14 /, 'a leaf of the withdrawn root is refused')
})
