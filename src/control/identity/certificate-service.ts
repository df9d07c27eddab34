/**
 * `istio.v1.auth.IstioCertificateService`: a certificate for who can prove to be a workload. The name comes from the proof, the key from
 * the request, all else from the authority.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import type { Authority } from '#/identity/ca/authority.ts'
import { RequestFault, readCertificateRequest } from '#/identity/ca/certificate-request.ts'
import { nodeOfSubject } from '#/identity/ca/certificate-writer.ts'
import { readExtensions } from '#/identity/spiffe/certificate-extension.ts'
import {
  formatSpiffeId,
  parseSpiffeId,
  type SpiffeId,
  serviceAccountId,
  serviceAccountOf,
} from '#/identity/spiffe/spiffe-id.ts'
import { TokenFault, type TokenReviewer } from '#/identity/token/token-reviewer.ts'
import { type CertificateOrder, decodeOrder, encodeGrant } from '#/identity/workload/certificate-message.ts'
import { formatNodeId } from '#/model/workload.ts'
import type { Log } from '#/std/log.ts'
import { CallRefusal, type UnaryCall } from '#/xds/transport/server/grpc-server.ts'
import type { CallBudget } from './call-budget.ts'
import type { IdentityCounters } from './identity-counters.ts'
import type { LeafBook } from './leaf-book.ts'

export interface CertificateServiceOptions {
  authority: Authority
  reviewer: TokenReviewer
  /** How often one workload may ask, and how often all at one address, who have proved nothing yet. */
  workloads: CallBudget
  addresses: CallBudget
  /** Lines of the log about refusals; what is above is only counted. */
  logBudget: CallBudget
  counters: IdentityCounters
  leaves: LeafBook
  /** Service account of a node, where it is known. */
  accountOf: (node: string) => string | undefined
  log: Log
}

/** https://grpc.io/docs/guides/status-codes/ */
const codes = { invalidArgument: 3, resourceExhausted: 8, unauthenticated: 16 } as const

/** Who asks, and by what proof. */
interface Applicant {
  id: SpiffeId
  /** Nothing for a leaf that another authority issued. */
  node: string | undefined
  proof: 'token' | 'leaf'
}

class Refusal extends CallRefusal {
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(code, message)
    this.reason = reason
  }
}

export class CertificateService {
  readonly #options: CertificateServiceOptions

  constructor(options: CertificateServiceOptions) {
    this.#options = options
  }

  /** @throws CallRefusal */
  async createCertificate(call: UnaryCall): Promise<Uint8Array> {
    const { counters, logBudget, log } = this.#options
    counters.requests++
    try {
      return await this.#create(call)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      counters.refuse(error.reason)
      if (logBudget.take(error.reason))
        log.warn('a certificate was refused', { reason: error.reason, detail: error.message, peer: call.address })
      throw error
    }
  }

  async #create(call: UnaryCall): Promise<Uint8Array> {
    const { authority, counters, leaves, log, workloads, addresses } = this.#options
    expectBudget(addresses, hostOf(call.address))
    const { order, publicKey, hasWishes } = readOrder(call.request)
    const { id, node, proof } = await this.#applicant(call, publicKey)
    const name = formatSpiffeId(id)
    expectBudget(workloads, node ?? name)
    const wish = order.lifeSeconds > 0 ? { lifeMs: order.lifeSeconds * 1000 } : {}
    const owner = node === undefined ? {} : { node }
    const { leaf, chain, expiresMs } = authority.issue({ publicKey, id, ...owner, ...wish })
    if (node !== undefined) leaves.note(node, leaf)
    counters.issued++
    if (hasWishes) counters.refuse('request_wishes')
    log.info('a certificate was issued', {
      id: name,
      node,
      proof,
      serial: leaf.serialNumber,
      expires: new Date(expiresMs).toISOString(),
      ...(hasWishes ? { ignored: 'names or extensions that the request asked for' } : {}),
    })
    return encodeGrant(chain)
  }

  async #applicant(call: UnaryCall, publicKey: KeyObject): Promise<Applicant> {
    const { authority, reviewer } = this.#options
    const token = /^Bearer (.+)$/i.exec(call.authorization)?.[1]
    if (token !== undefined) {
      const { namespace, serviceAccount, pod } = await review(reviewer, token, publicKey)
      const id = serviceAccountId(authority.trustDomain, { namespace, serviceAccount })
      return { id, node: formatNodeId({ namespace, pod }), proof: 'token' }
    }
    if (!call.certificate)
      throw new Refusal(codes.unauthenticated, 'token_missing', 'neither a token nor a certificate')
    const leaf = new X509Certificate(call.certificate)
    const node = nodeOfSubject(leaf)
    if (node !== undefined) {
      this.#expectPod(node)
      this.#expectNewest(node, leaf, publicKey)
    }
    return { id: renewedId(leaf, authority.trustDomain), node, proof: 'leaf' }
  }

  /**
   * An older leaf renews for the key of the newest alone, whose grant was lost on its way: what was stolen yesterday is no way to stay
   * for ever.
   */
  #expectNewest(node: string, leaf: X509Certificate, publicKey: KeyObject): void {
    const newest = this.#options.leaves.newest(node)
    if (!newest || newest.serialNumber === leaf.serialNumber || newest.publicKey.equals(publicKey)) return
    if (leaf.validFromDate > newest.validFromDate) return
    throw new Refusal(codes.unauthenticated, 'leaf_superseded', 'the certificate has been renewed since')
  }

  /** A leaf that was taken from a pod must not outlive it: who is no more proves nothing by it. */
  #expectPod(node: string): void {
    const { accountOf, leaves } = this.#options
    if (accountOf(node) !== undefined) leaves.place(node)
    else if (leaves.wasPlaced(node))
      throw new Refusal(codes.unauthenticated, 'pod_gone', `the pod of the certificate, ${node}, is gone`)
  }
}

function expectBudget(budget: CallBudget, caller: string): void {
  if (!budget.take(caller))
    throw new Refusal(codes.resourceExhausted, 'too_many', 'too many requests; wait and try again')
}

function readOrder(bytes: Buffer): { order: CertificateOrder; publicKey: KeyObject; hasWishes: boolean } {
  let order: CertificateOrder
  try {
    order = decodeOrder(bytes)
  } catch {
    throw new Refusal(codes.invalidArgument, 'request_malformed', 'the message can not be read')
  }
  try {
    return { order, ...readCertificateRequest(order.request) }
  } catch (error) {
    if (!(error instanceof RequestFault)) throw error
    throw new Refusal(codes.invalidArgument, 'request_malformed', error.message)
  }
}

async function review(reviewer: TokenReviewer, token: string, publicKey: KeyObject) {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  try {
    return await reviewer.review(token, createHash('sha256').update(spki).digest('hex'))
  } catch (error) {
    if (error instanceof TokenFault)
      throw new Refusal(codes.unauthenticated, error.code, `the token is refused: ${error.message}`)
    throw error
  }
}

/** The connection has verified the leaf; only a workload of ours renews by it, and the control plane needs no renewal. */
function renewedId(leaf: X509Certificate, trustDomain: string): SpiffeId {
  const id = parseSpiffeId(readExtensions(leaf).uris[0] ?? '')
  if (typeof id === 'string' || id.trustDomain !== trustDomain || !serviceAccountOf(id))
    throw new Refusal(
      codes.unauthenticated,
      'leaf_foreign',
      'the certificate is not that of a workload of this trust domain',
    )
  return id
}

function hostOf(address: string): string {
  return address.slice(0, Math.max(0, address.lastIndexOf(':'))) || address
}
