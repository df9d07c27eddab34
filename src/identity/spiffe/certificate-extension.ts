/** The extensions of a certificate that Node's `X509Certificate` does not tell, read from its DER (RFC 5280 section 4.2). */
import type { X509Certificate } from 'node:crypto'
import {
  type DerElement,
  expectTag,
  readBitString,
  readElements,
  readOid,
  readOnly,
  readSequence,
} from '../der/der-reader.ts'
import { tags } from '../der/der-writer.ts'

export const extensionIds = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  subjectKeyId: '2.5.29.14',
} as const

export const purposeIds = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const

export interface CertificateExtensions {
  isCa: boolean
  /** How many further signing certificates may follow below; absent for any number. */
  pathLength?: number
  keyUsage?: { isCritical: boolean; signs: boolean; signsCertificates: boolean; signsLists: boolean }
  /** Object identifiers; absent when the certificate does not say. */
  purposes?: readonly string[]
  /** Subject alternative names of the type URI, in order. */
  uris: readonly string[]
  /** Hosts, or `.domain` for all below; for names of the type URI. */
  uriConstraints: { permitted: readonly string[]; excluded: readonly string[] }
}

interface Extension {
  isCritical: boolean
  value: Buffer
}

/** @throws DerFault when it is not of the form of RFC 5280. */
export function readExtensions(certificate: X509Certificate): CertificateExtensions {
  const extensions = listExtensions(certificate.raw)
  const usage = extensions.get(extensionIds.keyUsage)
  const purposes = extensions.get(extensionIds.extendedKeyUsage)
  const names = extensions.get(extensionIds.subjectAltName)
  return {
    ...readBasicConstraints(extensions.get(extensionIds.basicConstraints)),
    ...(usage ? { keyUsage: readKeyUsage(usage) } : {}),
    ...(purposes ? { purposes: readSequence(readOnly(purposes.value, tags.sequence)).map(readOid) } : {}),
    uris: names ? readUris(names.value) : [],
    uriConstraints: readUriConstraints(extensions.get(extensionIds.nameConstraints)),
  }
}

function listExtensions(der: Uint8Array): Map<string, Extension> {
  const [body] = readSequence(readOnly(der, tags.sequence))
  const holder = readSequence(body).find(({ tag }) => tag === 0xa3)
  const found = new Map<string, Extension>()
  if (!holder) return found
  for (const element of readSequence(readOnly(holder.content, tags.sequence))) {
    const [id, ...rest] = readSequence(element)
    const isCritical = rest[0]?.tag === tags.boolean && rest[0].content[0] === 0xff
    const value = expectTag(rest[rest.length - 1], tags.octetString).content
    found.set(readOid(id), { isCritical, value })
  }
  return found
}

function readBasicConstraints(extension: Extension | undefined): { isCa: boolean; pathLength?: number } {
  if (!extension) return { isCa: false }
  const parts = readSequence(readOnly(extension.value, tags.sequence))
  const isCa = parts[0]?.tag === tags.boolean && parts[0].content[0] === 0xff
  const length: DerElement | undefined = parts.find(({ tag }) => tag === tags.integer)
  return { isCa, ...(length ? { pathLength: length.content.readUIntBE(0, Math.min(6, length.content.length)) } : {}) }
}

/** The bits of RFC 5280 section 4.2.1.3, from the highest of the first octet. */
function readKeyUsage({ isCritical, value }: Extension): NonNullable<CertificateExtensions['keyUsage']> {
  const bits = readBitString(readOnly(value, tags.bitString), true)[0] ?? 0
  return {
    isCritical,
    signs: (bits & 0x80) !== 0,
    signsCertificates: (bits & 0x04) !== 0,
    signsLists: (bits & 0x02) !== 0,
  }
}

/** `[6]` of GeneralName is a URI (RFC 5280 section 4.2.1.6). */
function readUris(value: Buffer): string[] {
  return readElements(readOnly(value, tags.sequence).content)
    .filter(({ tag }) => tag === 0x86)
    .map(({ content }) => content.toString('latin1'))
}

/** `[0]` permitted, `[1]` excluded, each a list of GeneralSubtree (RFC 5280 section 4.2.1.10). */
function readUriConstraints(extension: Extension | undefined): CertificateExtensions['uriConstraints'] {
  const parts = extension ? readSequence(readOnly(extension.value, tags.sequence)) : []
  const hostsOf = (tag: number): string[] =>
    readElements(parts.find((part) => part.tag === tag)?.content ?? Buffer.alloc(0))
      .map((subtree) => readSequence(subtree)[0])
      .flatMap((base) => (base?.tag === 0x86 ? [base.content.toString('latin1')] : []))
  return { permitted: hostsOf(0xa0), excluded: hostsOf(0xa1) }
}
