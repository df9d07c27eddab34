/**
 * Identity from another issuer, SPIRE for one: its agent hands leaf, key and roots over the SPIFFE Workload API on a Unix socket, and
 * again whenever they change (SPIFFE Workload API standard, section 5.2).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import net from 'node:net'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { Backoff } from '#/std/backoff.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { type GrpcStatus, grpcCodes } from '#/xds/transport/client/grpc-status.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import { readElements } from '../der/der-reader.ts'
import { verifyPeerChain } from '../spiffe/peer-chain.ts'
import { formatSpiffeId } from '../spiffe/spiffe-id.ts'
import { formatCertificates } from '../spiffe/trust-bundle.ts'
import type { IdentitySource } from './identity-source.ts'
import type { Svid } from './svid.ts'

export interface WorkloadApiSourceOptions {
  /** Path of the Unix socket. */
  socket: string
  trustDomain: string
  backoff: Backoff
  clock: Clock
  log: Log
}

const path = '/SpiffeWorkloadAPI/FetchX509SVID'
const messageBytesMax = 1_048_576

export class WorkloadApiSource implements IdentitySource {
  readonly #options: WorkloadApiSourceOptions
  readonly #svid = new WatchedValue<Svid>()
  #stream: GrpcStream | undefined
  #retry: Timer | undefined
  #isStopped = false
  #isUnreachable = false
  #reason = 'no identity has been asked for yet'

  constructor(options: WorkloadApiSourceOptions) {
    this.#options = options
  }

  get svid(): Watched<Svid> {
    return this.#svid
  }

  get trustDomain(): string {
    return this.#options.trustDomain
  }

  get isUnreachable(): boolean {
    return this.#isUnreachable
  }

  get reason(): string {
    return this.#reason
  }

  start(): void {
    if (this.#isStopped) return
    const { socket, clock } = this.#options
    this.#stream = new GrpcStream({
      address: { host: 'localhost', port: 1 },
      path,
      headers: ['workload.spiffe.io', 'true'],
      dial: () => net.connect({ path: socket, allowHalfOpen: true }),
      messageBytesMax,
      clock,
      onOpen: () => setImmediate(() => this.#ask()),
      onMessage: (message) => this.#take(message),
      onClosed: (status) => this.#lost(status),
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#retry?.cancel()
    this.#stream?.close()
  }

  /** The issuer's own word counts, which comes with each leaf. */
  setRoots(): void {
    this.#options.log.debug('roots of the control plane are left aside: another issuer gives them')
  }

  #ask(): void {
    this.#stream?.send(new Uint8Array())
    this.#stream?.finish()
  }

  #take(message: Uint8Array): void {
    const { backoff, clock, log, trustDomain } = this.#options
    try {
      const svid = readFirstSvid(message, trustDomain, clock.wallMs())
      this.#svid.set(svid)
      this.#reason = ''
      this.#isUnreachable = false
      backoff.reset()
      log.info('an identity was handed over', { id: svid.spiffeId, expires: new Date(svid.expiresMs).toISOString() })
    } catch (error) {
      this.#reason = error instanceof Error ? error.message : String(error)
      log.warn('an identity can not be used; the one before stays', { reason: this.#reason })
    }
  }

  /** The leaf stays in use: only the word about the next is missing. */
  #lost({ code, message }: GrpcStatus): void {
    if (this.#isStopped) return
    const { backoff, clock, log } = this.#options
    this.#reason = message
    this.#isUnreachable = code === grpcCodes.unavailable
    const retryMs = backoff.next()
    log.warn('the Workload API does not answer', { code, reason: message, retryMs: Math.round(retryMs) })
    this.#retry = clock.after(retryMs, () => this.start(), true)
  }
}

/** The first is the default one (section 5.2.1 of the standard). @throws when it would not do. */
function readFirstSvid(message: Uint8Array, trustDomain: string, nowMs: number): Svid {
  const first = readFields(message).get(1)
  if (!first) throw new Error('there is no identity for this workload')
  const fields = readFields(first)
  const chain = certificatesOf(fields.get(2))
  const roots = certificatesOf(fields.get(4))
  const bundle = { trustDomain, roots, sequence: 0, refreshHintMs: 0 }
  const verdict = verifyPeerChain(chain, { nowMs, bundleOf: (name) => (name === trustDomain ? bundle : undefined) })
  if (!verdict.ok) throw new Error(`${verdict.code}, ${verdict.detail}`)
  const key = Buffer.from(fields.get(3) ?? [])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  if (!chain[0]!.checkPrivateKey(privateKey)) throw new Error('the key is not that of the certificate')
  return {
    spiffeId: formatSpiffeId(verdict.id),
    certificateChainPem: formatCertificates(chain),
    privateKey,
    bundlePem: formatCertificates(roots),
    expiresMs: chain[0]!.validToDate.getTime(),
  }
}

/** The first value of each length-delimited field. @throws when the bytes are no message. */
function readFields(bytes: Uint8Array): Map<number, Uint8Array> {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, Uint8Array>()
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type !== WireType.LengthDelimited) reader.skip(type, field)
    else {
      const value = reader.bytes()
      if (!fields.has(field)) fields.set(field, value)
    }
  }
  return fields
}

/** DER one behind the other. @throws DerFault */
function certificatesOf(bytes: Uint8Array = new Uint8Array()): X509Certificate[] {
  return readElements(bytes).map(({ whole }) => new X509Certificate(whole))
}
