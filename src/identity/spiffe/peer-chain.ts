/**
 * Whether a peer's chain of certificates is an X.509-SVID of a trust domain: path validation (RFC 5280 section 6, without policies)
 * and the checks beyond it (X509-SVID standard, section 5.2). Pure: OpenSSL verifies in the handshake, against the roots of all
 * trust domains together; only here each name is held against the roots of its own trust domain.
 */
import type { X509Certificate } from 'node:crypto'
import { DerFault } from '../der/der-reader.ts'
import { type CertificateExtensions, purposeIds, readExtensions } from './certificate-extension.ts'
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts'
import type { TrustBundle } from './trust-bundle.ts'

/** Told in logs and counted in metrics by this name. */
export type ChainFaultCode =
  | 'expired'
  | 'not_yet_valid'
  | 'wrong_trust_domain'
  | 'wrong_usage'
  | 'chain_too_long'
  | 'wrong_names'
  | 'unknown_issuer'
  | 'revoked'
  | 'malformed'

export type PeerVerdict = { ok: true; id: SpiffeId } | { ok: false; code: ChainFaultCode; detail: string }

export interface ChainCheck {
  /** Roots of the trust domain; nothing when it is not trusted. */
  bundleOf: (trustDomain: string) => TrustBundle | undefined
  nowMs: number
  /** Revocation lists of plugged-in roots. */
  isRevoked?: (certificate: X509Certificate, issuer: X509Certificate) => boolean
}

/** Signing certificates between leaf and root that are followed; longer chains only serve to keep us busy. */
const intermediatesMax = 4

class ChainFault extends Error {
  readonly code: ChainFaultCode

  constructor(code: ChainFaultCode, detail: string) {
    super(detail)
    this.code = code
  }
}

/** @param chain as the peer sent it, leaf first; the order of the others does not matter. */
export function verifyPeerChain(chain: readonly X509Certificate[], check: ChainCheck): PeerVerdict {
  try {
    const [leaf, ...others] = chain
    if (!leaf) throw new ChainFault('malformed', 'there is no certificate')
    if (others.length > intermediatesMax + 1)
      throw new ChainFault('chain_too_long', `${chain.length} certificates, at most ${intermediatesMax + 2}`)
    const id = readLeafId(leaf)
    const bundle = check.bundleOf(id.trustDomain)
    if (!bundle) throw new ChainFault('wrong_trust_domain', `${id.trustDomain} is not trusted`)
    followToRoot(leaf, others, bundle, check)
    return { ok: true, id }
  } catch (error) {
    if (error instanceof ChainFault) return { ok: false, code: error.code, detail: error.message }
    if (error instanceof DerFault) return { ok: false, code: 'malformed', detail: error.message }
    throw error
  }
}

/** The checks of a leaf that hold whoever signed it. @throws ChainFault, DerFault */
function readLeafId(leaf: X509Certificate): SpiffeId {
  const extensions = readExtensions(leaf)
  const { isCa, keyUsage, purposes, uris } = extensions
  if (isCa) throw new ChainFault('wrong_usage', 'the leaf is a signing certificate')
  if (!keyUsage?.signs || keyUsage.signsCertificates || keyUsage.signsLists)
    throw new ChainFault('wrong_usage', 'the key of the leaf may not sign, or may sign certificates')
  // Both, where any is told (X509-SVID section 4.4).
  if (purposes && !(purposes.includes(purposeIds.serverAuth) && purposes.includes(purposeIds.clientAuth)))
    throw new ChainFault('wrong_usage', 'the leaf is not for servers and clients both')
  if (uris.length !== 1) throw new ChainFault('wrong_names', `${uris.length} URIs in place of one`)
  const id = parseSpiffeId(uris[0]!)
  if (typeof id === 'string') throw new ChainFault('wrong_names', id)
  if (id.path === '') throw new ChainFault('wrong_names', 'the id of a leaf has a path')
  return id
}

/** Finds the way to a root, checking each step. @throws ChainFault */
function followToRoot(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  bundle: TrustBundle,
  check: ChainCheck,
): void {
  let certificate = leaf
  const left = [...others]
  for (let below = 0; below <= intermediatesMax; below++) {
    expectInTime(certificate, check.nowMs)
    const root = bundle.roots.find((one) => hasSigned(one, certificate))
    const issuer = root ?? left.find((one) => hasSigned(one, certificate))
    if (!issuer) throw new ChainFault('unknown_issuer', `no trusted root of ${bundle.trustDomain} has signed it`)
    const extensions = readExtensions(issuer)
    expectMaySign(extensions, below)
    expectNameAllowed(bundle.trustDomain, extensions)
    if (check.isRevoked?.(certificate, issuer)) throw new ChainFault('revoked', 'it has been revoked')
    if (root) {
      expectInTime(root, check.nowMs)
      return
    }
    left.splice(left.indexOf(issuer), 1)
    certificate = issuer
  }
  throw new ChainFault('chain_too_long', `more than ${intermediatesMax} certificates between leaf and root`)
}

/** Names and key identifiers first: signatures cost. */
function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** @param below number of signing certificates between this one and the leaf. */
function expectMaySign({ isCa, keyUsage, pathLength }: CertificateExtensions, below: number): void {
  if (!isCa || (keyUsage && !keyUsage.signsCertificates))
    throw new ChainFault('wrong_usage', 'a certificate of the chain may not sign others')
  if (pathLength !== undefined && below > pathLength)
    throw new ChainFault('chain_too_long', `${below} signing certificates below one that allows ${pathLength}`)
}

/** OpenSSL has done so in the handshake; a chain that came another way is held to it as well. */
function expectNameAllowed(
  trustDomain: string,
  { uriConstraints: { permitted, excluded } }: CertificateExtensions,
): void {
  const fits = (host: string): boolean => (host.startsWith('.') ? trustDomain.endsWith(host) : trustDomain === host)
  if (excluded.some(fits) || (permitted.length > 0 && !permitted.some(fits)))
    throw new ChainFault('wrong_trust_domain', `a certificate of the chain may not sign for ${trustDomain}`)
}

function expectInTime(certificate: X509Certificate, nowMs: number): void {
  if (nowMs < certificate.validFromDate.getTime())
    throw new ChainFault('not_yet_valid', `valid from ${certificate.validFromDate.toISOString()}`)
  if (nowMs > certificate.validToDate.getTime())
    throw new ChainFault('expired', `valid until ${certificate.validToDate.toISOString()}`)
}
