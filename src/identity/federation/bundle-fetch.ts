/** Gets a bundle document from another trust domain's endpoint (SPIFFE Federation standard, sections 5 and 6). */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { isIP } from 'node:net'
import { readExtensions } from '../spiffe/certificate-extension.ts'
import {
  bundleDocumentBytesMax,
  formatCertificates,
  parseBundleDocument,
  type TrustBundle,
} from '../spiffe/trust-bundle.ts'
import type { BundleSource } from './bundle-source.ts'

/** Told in logs and counted in metrics by this name. */
export type BundleFaultCode =
  | 'unreachable'
  | 'untrusted'
  | 'redirected'
  | 'refused'
  | 'too_large'
  | 'malformed'
  | 'empty'
  | 'older'

export class BundleFault extends Error {
  readonly code: BundleFaultCode

  constructor(code: BundleFaultCode, detail: string) {
    super(detail)
    this.name = 'BundleFault'
    this.code = code
  }
}

/** Of the whole exchange, ms. */
const timeoutMs = 10_000

/**
 * @param known what is trusted of that domain so far.
 * @throws BundleFault; what is known stays.
 */
export async function fetchBundle(source: BundleSource, known: TrustBundle | undefined): Promise<TrustBundle> {
  const text = await download(source.url, trustOf(source, known))
  const bundle = parseBundleDocument(source.trustDomain, text)
  if (typeof bundle === 'string') throw new BundleFault('malformed', bundle)
  // One without keys would lock out everybody who is trusted now, by a slip as well as by malice.
  if (bundle.roots.length === 0) throw new BundleFault('empty', 'it holds no key of X509-SVIDs')
  if (known && bundle.sequence < known.sequence)
    throw new BundleFault('older', `its sequence is ${bundle.sequence}, and ${known.sequence} was seen before`)
  return bundle
}

/** By whom the endpoint is vouched for. */
function trustOf({ endpointId }: BundleSource, known: TrustBundle | undefined): RequestOptions {
  // The web's authorities, and the names of the URL.
  if (endpointId === undefined) return {}
  if (!known) throw new BundleFault('untrusted', 'there is no bundle by which its endpoint could be verified')
  return {
    ca: formatCertificates(known.roots),
    // OpenSSL has verified the chain by then; a certificate of two names could be taken for either.
    checkServerIdentity: (_host, { raw }) => {
      const { uris } = readExtensions(new X509Certificate(raw))
      const id = uris.length === 1 ? uris[0] : 'nobody by SPIFFE'
      return id === endpointId ? undefined : new Error(`who serves it is ${id}, not ${endpointId}`)
    },
  }
}

function download(url: string, trust: RequestOptions): Promise<string> {
  const { hostname } = new URL(url)
  const servername = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? { servername: hostname } : {}
  return new Promise((resolve, reject) => {
    const options = { ...trust, ...servername, agent: false, minVersion: 'TLSv1.2' as const }
    const asked = request(url, { ...options, timeout: timeoutMs }, (answer) => read(answer).then(resolve, reject))
    const timer = setTimeout(
      () => asked.destroy(new BundleFault('unreachable', `no answer in ${timeoutMs} ms`)),
      timeoutMs,
    )
    asked.once('close', () => clearTimeout(timer))
    asked.once('error', (error: NodeJS.ErrnoException) => reject(faultOf(error)))
    asked.end()
  })
}

async function read(answer: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = answer
  try {
    // Wherever it leads, that place was not asked for (section 5.2.1 leaves it to us).
    if (statusCode >= 300 && statusCode < 400) throw new BundleFault('redirected', `it answers ${statusCode}`)
    if (statusCode !== 200) throw new BundleFault('refused', `it answers ${statusCode}`)
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of answer) {
      bytes += (chunk as Buffer).length
      if (bytes > bundleDocumentBytesMax)
        throw new BundleFault('too_large', `it is longer than ${bundleDocumentBytesMax} bytes`)
      chunks.push(chunk as Buffer)
    }
    return Buffer.concat(chunks).toString()
  } finally {
    answer.destroy()
  }
}

/** Codes of OpenSSL's verification, and the error of our own check. */
const untrustedCodes = /^(UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|ERR_TLS_CERT_)/

function faultOf(error: NodeJS.ErrnoException): BundleFault {
  if (error instanceof BundleFault) return error
  const { code = '', message } = error
  const isUntrusted = untrustedCodes.test(code) || message.startsWith('who serves it')
  return new BundleFault(isUntrusted ? 'untrusted' : 'unreachable', message)
}
