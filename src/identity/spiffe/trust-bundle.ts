/**
 * The roots of a trust domain: as PEM, and as the SPIFFE bundle document (SPIFFE Trust Domain and Bundle standard, section 4;
 * X509-SVID standard, section 6).
 */
import { X509Certificate } from 'node:crypto'
import { DerFault, readPemBlocks } from '../der/der-reader.ts'
import { formatPem, tags } from '../der/der-writer.ts'

export interface TrustBundle {
  trustDomain: string
  roots: readonly X509Certificate[]
  /** Grows with each change. */
  sequence: number
  /** How often to look for a change, ms. */
  refreshHintMs: number
}

/** What a consumer goes by when the document does not say (section 6.2), ms. */
const refreshDefaultMs = 300_000
/** Of a document from elsewhere, bytes. */
export const bundleDocumentBytesMax = 1_048_576

/** All certificates of a PEM text, in order. @throws an error that says what is wrong. */
export function readCertificates(pem: string): X509Certificate[] {
  return readPemBlocks('CERTIFICATE', pem).map((der) => new X509Certificate(der))
}

export function formatCertificates(certificates: readonly X509Certificate[]): string {
  return certificates.map(({ raw }) => formatPem('CERTIFICATE', raw)).join('')
}

export function isSameBundle(a: TrustBundle, b: TrustBundle): boolean {
  return a.trustDomain === b.trustDomain && formatCertificates(a.roots) === formatCertificates(b.roots)
}

/** @returns the bundle document, a JWK Set. */
export function formatBundleDocument({ roots, sequence, refreshHintMs }: TrustBundle): string {
  const keys = roots.map((root) => {
    const { kty, crv, x, y, n, e } = root.publicKey.export({ format: 'jwk' })
    // No `kid`, and one certificate an entry (X509-SVID section 6.1). What is undefined is left out.
    return { use: 'x509-svid', kty, crv, x, y, n, e, x5c: [root.raw.toString('base64')] }
  })
  const document = { keys, spiffe_sequence: sequence, spiffe_refresh_hint: Math.ceil(refreshHintMs / 1000) }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/** @returns the bundle of `trustDomain`, or why the text is no bundle document. Entries of unknown use are left out. */
export function parseBundleDocument(trustDomain: string, text: string): TrustBundle | string {
  if (text.length > bundleDocumentBytesMax) return `a bundle document is longer than ${bundleDocumentBytesMax} bytes`
  try {
    const document = JSON.parse(text) as Record<string, unknown> | null
    if (!Array.isArray(document?.keys)) return 'it has no list of keys'
    const { spiffe_sequence: sequence, spiffe_refresh_hint: hint } = document
    return {
      trustDomain,
      roots: document.keys.flatMap((key) => rootOf(key as Record<string, unknown> | null)),
      sequence: Number.isSafeInteger(sequence) ? (sequence as number) : 0,
      refreshHintMs: Number.isSafeInteger(hint) && (hint as number) > 0 ? (hint as number) * 1000 : refreshDefaultMs,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Only the first of `x5c` counts; without one the entry is ignored (X509-SVID section 6.2). */
function rootOf(key: Record<string, unknown> | null): X509Certificate[] {
  const first: unknown = Array.isArray(key?.x5c) ? key.x5c[0] : undefined
  if (key?.use !== 'x509-svid' || typeof key.kty !== 'string' || typeof first !== 'string') return []
  const der = Buffer.from(first, 'base64')
  if (der[0] !== tags.sequence) throw new DerFault('an x5c entry is no certificate')
  return [new X509Certificate(der)]
}
