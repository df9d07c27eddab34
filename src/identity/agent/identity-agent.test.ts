import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { WatchedValue } from '#/std/watched.ts'
import { SecretSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '#/xds/proto/envoy/service/discovery/v3/discovery_pb.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import { formatCertificates } from '../spiffe/trust-bundle.ts'
import { newLeaf, newRoot, trustDomain } from '../testing/authority.ts'
import type { Svid } from '../workload/svid.ts'
import { WorkloadApiSource } from '../workload/workload-api-source.ts'
import type { WorkloadIdentity } from '../workload/workload-identity.ts'
import { certificateFileNames } from './certificate-files.ts'
import { IdentityAgent } from './identity-agent.ts'

const root = newRoot(trustDomain, Date.now())

function newSvid(): Svid {
  const { leaf, key } = newLeaf(root)
  return {
    spiffeId: `spiffe://${trustDomain}/ns/shop/sa/cart`,
    certificateChainPem: formatCertificates([leaf]),
    privateKey: key,
    bundlePem: formatCertificates([root.root]),
    expiresMs: leaf.validToDate.getTime(),
  }
}

async function startAgent(t: TestContext, at?: string) {
  const home = mkdtempSync(join(tmpdir(), 'weft-agent-'))
  const svid = new WatchedValue<Svid>(newSvid())
  const identity = { svid, trustDomain, start: () => undefined, stop: () => undefined } as unknown as WorkloadIdentity
  const [socket, folder] = [at ?? join(home, 'run', 'agent.sock'), join(home, 'files')]
  const log: string[] = []
  const sink = { write: (line: string) => void log.push(line) }
  const agent = new IdentityAgent({ identity, socket, folder, log: new Log({ component: 'identity', sink }) })
  await agent.start()
  t.after(() => {
    agent.stop()
    rmSync(home, { recursive: true, force: true })
  })
  return { svid, socket, folder, log, agent }
}

interface Call {
  stream: GrpcStream
  /** The next message, or `CODE WORDS` of the end. */
  next(): Promise<Buffer | string>
}

function open(t: TestContext, socket: string, path: string, headers: string[] = []): Promise<Call> {
  const arrived: (Buffer | string)[] = []
  let wake: () => void = () => undefined
  const arrive = (one: Buffer | string): void => {
    arrived.push(one)
    wake()
  }
  return new Promise((resolve) => {
    const stream: GrpcStream = new GrpcStream({
      address: { host: 'localhost', port: 1 },
      path,
      headers,
      dial: () => connect({ path: socket, allowHalfOpen: true }),
      onOpen: () => setImmediate(() => resolve({ stream, next })),
      onMessage: (message) => arrive(Buffer.from(message)),
      onClosed: ({ code, message }) => arrive(`${code} ${message}`),
    })
    t.after(() => stream.close())
    const next = async (): Promise<Buffer | string> => {
      while (arrived.length === 0) await new Promise<void>((done) => (wake = done))
      return arrived.shift()!
    }
  })
}

function fieldsOf(bytes: Uint8Array): Map<number, Buffer> {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, Buffer>()
  while (reader.pos < reader.len) {
    const [field] = reader.tag()
    fields.set(field, Buffer.from(reader.bytes()))
  }
  return fields
}

const fetchSvid = '/SpiffeWorkloadAPI/FetchX509SVID'

test('the Workload API gives name, chain, key and roots at once, and again with each leaf', async (t) => {
  const { svid, socket } = await startAgent(t)
  const call = await open(t, socket, fetchSvid, ['workload.spiffe.io', 'true'])
  call.stream.send(new Uint8Array())
  call.stream.finish()
  for (const round of [1, 2]) {
    const message = await call.next()
    assert.ok(typeof message === 'object', String(message))
    const one = fieldsOf(fieldsOf(message).get(1)!)
    assert.equal(one.get(1)!.toString(), svid.value!.spiffeId)
    const key = createPrivateKey({ key: one.get(3)!, format: 'der', type: 'pkcs8' })
    assert.ok(new X509Certificate(one.get(2)!).checkPrivateKey(key), `round ${round}`)
    assert.ok(one.get(4)!.equals(root.root.raw))
    svid.set(newSvid())
  }
})

function readFrom(t: TestContext, socket: string, domain = trustDomain) {
  const log: string[] = []
  const source = new WorkloadApiSource({
    socket,
    trustDomain: domain,
    backoff: new Backoff({ initialMs: 5, maxMs: 20 }),
    clock,
    log: new Log({ component: 'proxy', sink: { write: (line) => void log.push(line) } }),
  })
  t.after(() => source.stop())
  source.start()
  return { source, log }
}

const nextOf = (source: WorkloadApiSource, before?: Svid): Promise<Svid> =>
  new Promise((resolve) => {
    const unsubscribe = source.svid.subscribe((svid) => {
      if (svid === before) return
      unsubscribe()
      resolve(svid)
    })
  })

test('a sidecar has its identity from a Workload API, and each change of it', async (t) => {
  const { svid, socket } = await startAgent(t)
  const { source, log } = readFrom(t, socket)
  const first = await nextOf(source)
  assert.deepEqual({ ...first, privateKey: 0 }, { ...svid.value, privateKey: 0 })
  assert.ok(first.privateKey.equals(svid.value!.privateKey))
  svid.set(newSvid())
  assert.equal((await nextOf(source, first)).certificateChainPem, svid.value!.certificateChainPem)
  assert.doesNotMatch(log.join(''), /PRIVATE/)
})

test('a Workload API that goes away takes nothing with it, and is found again', async (t) => {
  const { socket, agent } = await startAgent(t)
  const { source } = readFrom(t, socket)
  const first = await nextOf(source)
  agent.stop()
  while (!source.isUnreachable) await new Promise(setImmediate)
  assert.equal(source.svid.value, first)
  const { svid } = await startAgent(t, socket)
  assert.equal((await nextOf(source, first)).certificateChainPem, svid.value!.certificateChainPem)
  assert.equal(source.reason, '')
})

test('an identity of another trust domain is not taken', async (t) => {
  const { socket } = await startAgent(t)
  const { source } = readFrom(t, socket, 'other.example')
  while (!source.reason.includes('wrong_trust_domain')) await new Promise(setImmediate)
  assert.equal(source.svid.value, undefined)
})

test('the Workload API gives bundles by trust domain', async (t) => {
  const { socket } = await startAgent(t)
  const call = await open(t, socket, '/SpiffeWorkloadAPI/FetchX509Bundles', ['workload.spiffe.io', 'true'])
  call.stream.send(new Uint8Array())
  const entry = fieldsOf(fieldsOf((await call.next()) as Buffer).get(2)!)
  assert.equal(entry.get(1)!.toString(), `spiffe://${trustDomain}`)
  assert.ok(entry.get(2)!.equals(root.root.raw))
})

test('who does not send the security field of the Workload API is refused', async (t) => {
  const { socket } = await startAgent(t)
  const call = await open(t, socket, fetchSvid)
  call.stream.send(new Uint8Array())
  assert.match(String(await call.next()), /^3 send the field workload\.spiffe\.io/)
})

test('methods that are not there are told so', async (t) => {
  const { socket } = await startAgent(t)
  const call = await open(t, socket, '/SpiffeWorkloadAPI/FetchJWTSVID', ['workload.spiffe.io', 'true'])
  call.stream.send(new Uint8Array())
  call.stream.finish()
  assert.match(String(await call.next()), /^12 /)
})

const ask = (resourceNames: string[], responseNonce = '', message = ''): Uint8Array =>
  toBinary(
    DiscoveryRequestSchema,
    create(DiscoveryRequestSchema, { resourceNames, responseNonce, ...(message ? { errorDetail: { message } } : {}) }),
  )

test('Envoy gets leaf and roots by their names, once until they change', async (t) => {
  const { svid, socket, log } = await startAgent(t)
  const call = await open(t, socket, '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets')
  call.stream.send(ask(['default', 'ROOTCA', 'other']))
  const read = async () => {
    const { nonce, resources } = fromBinary(DiscoveryResponseSchema, (await call.next()) as Buffer)
    return { nonce, secrets: resources.map((one) => anyUnpack(one, SecretSchema)!) }
  }
  const first = await read()
  assert.deepEqual(
    first.secrets.map(({ name, type }) => [name, type.case]),
    [
      ['default', 'tlsCertificate'],
      ['ROOTCA', 'validationContext'],
    ],
  )
  call.stream.send(ask(['default', 'ROOTCA', 'other'], first.nonce, 'no good'))
  svid.set(newSvid())
  const second = await read()
  assert.notEqual(second.nonce, first.nonce)
  const { value } = second.secrets[0]!.type as Extract<(typeof second.secrets)[0]['type'], { case: 'tlsCertificate' }>
  assert.equal(value.certificateChain!.specifier.value, svid.value!.certificateChainPem)
  assert.match(log.join(''), /rejected its secrets/)
  assert.doesNotMatch(log.join(''), /PRIVATE/)
})

test('what is no discovery request ends its stream alone', async (t) => {
  const { socket } = await startAgent(t)
  const path = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets'
  const broken = await open(t, socket, path)
  broken.stream.send(Buffer.from('ff', 'hex'))
  assert.match(String(await broken.next()), /^3 /)
  const whole = await open(t, socket, path)
  whole.stream.send(ask(['ROOTCA']))
  assert.ok(typeof (await whole.next()) === 'object')
})

test('the socket and the key are for their owner alone', async (t) => {
  const { socket, folder } = await startAgent(t)
  await new Promise(setImmediate)
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, certificateFileNames.key)).mode & 0o777, 0o600)
})

test('the three files change together: whoever reads them all sees one leaf with its key', async (t) => {
  const { svid, folder } = await startAgent(t)
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate)
    const [certificate, key, roots] = Object.values(certificateFileNames).map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    )
    assert.equal(certificate, svid.value!.certificateChainPem, `round ${round}`)
    assert.ok(new X509Certificate(certificate!).checkPrivateKey(createPrivateKey(key!)))
    assert.equal(roots, svid.value!.bundlePem)
    svid.set(newSvid())
  }
})

test('a socket of an earlier process makes room, a file of somebody else does not', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'weft-agent-'))
  t.after(() => rmSync(home, { recursive: true }))
  const socket = join(home, 'agent.sock')
  writeFileSync(socket, 'mine')
  const identity = {
    svid: new WatchedValue<Svid>(),
    trustDomain,
    start: () => undefined,
    stop: () => undefined,
  } as unknown as WorkloadIdentity
  const agent = new IdentityAgent({ identity, socket, log: new Log({ component: 'identity' }) })
  await assert.rejects(agent.start())
  assert.equal(readFileSync(socket, 'utf8'), 'mine')
})
