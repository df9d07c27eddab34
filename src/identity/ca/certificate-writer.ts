/** Makes and signs certificates (RFC 5280 section 4.1), in ECDSA with SHA-256, SHA-384 or RSA as the signing key is. */
import { createHash, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'
import { readElements, readOnly } from '../der/der-reader.ts'
import {
  bitString,
  boolean,
  element,
  explicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  smallInteger,
  tags,
  time,
  utf8String,
} from '../der/der-writer.ts'
import { extensionIds, purposeIds } from '../spiffe/certificate-extension.ts'

export interface CertificatePlan {
  publicKey: KeyObject
  /** DER of the subject's Name; empty for a leaf whose names stand in `uri`. */
  subject: Buffer
  notBeforeMs: number
  notAfterMs: number
  /** The SPIFFE id, and DNS names beside it. */
  uri?: string
  dnsNames?: readonly string[]
  /** For signing certificates: how many more may follow below. */
  authority?: { pathLength: number }
}

export interface Signer {
  key: KeyObject
  /** DER of the issuer's Name. */
  name: Buffer
  /** Subject key identifier of the issuer; none for the first of a chain, which takes its own. */
  keyId?: Buffer
}

/** @throws when the key is of a kind that signs no certificates here. */
export function writeCertificate(plan: CertificatePlan, signer: Signer): X509Certificate {
  const keyId = keyIdOf(plan.publicKey)
  return signCertificate(plan, extensionsOf(plan, keyId, signer.keyId ?? keyId), signer)
}

/** With extensions that were made elsewhere. */
export function signCertificate(
  plan: Pick<CertificatePlan, 'publicKey' | 'subject' | 'notBeforeMs' | 'notAfterMs'>,
  extensions: readonly Buffer[],
  signer: Signer,
): X509Certificate {
  const algorithm = signatureAlgorithm(signer.key)
  const body = sequence(
    explicit(0, smallInteger(2)),
    integer(newSerial()),
    algorithm.der,
    signer.name,
    sequence(time(plan.notBeforeMs), time(plan.notAfterMs)),
    plan.subject,
    spkiOf(plan.publicKey),
    explicit(3, sequence(...extensions)),
  )
  const signature = sign(algorithm.hash, body, signer.key)
  return new X509Certificate(sequence(body, algorithm.der, bitString(signature)))
}

/** `CN=…, O=weft`. */
export function nameOf(commonName: string): Buffer {
  const part = (id: string, text: string): Buffer => set(sequence(oid(id), utf8String(text)))
  return sequence(part('2.5.4.10', 'weft'), part('2.5.4.3', commonName))
}

/** Attribute of a subject for a name of ours (RFC 4519 section 2.39); unlike a common name it may be as long as a pod's. */
const userId = '0.9.2342.19200300.100.1.1'

/** The subject of a leaf: the node that it was issued to, or nothing. */
export function nodeSubject(node: string | undefined): Buffer {
  return node === undefined ? sequence() : sequence(set(sequence(oid(userId), utf8String(node))))
}

/** The node that a leaf of ours was issued to. */
export function nodeOfSubject({ subject }: X509Certificate): string | undefined {
  // Node leaves an empty subject out.
  return /^UID=([a-z0-9.-]+)$/.exec((subject as string | undefined) ?? '')?.[1]
}

/** SHA-1 of the key's bits (RFC 5280 section 4.2.1.2, first method): a name for a key, no protection. */
export function keyIdOf(publicKey: KeyObject): Buffer {
  const bits = readElements(readOnly(spkiOf(publicKey), tags.sequence).content)[1]!
  return createHash('sha1').update(bits.content.subarray(1)).digest()
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** 127 random bits and never 0: nobody can guess or repeat it (RFC 5280 section 4.1.2.2). */
function newSerial(): Buffer {
  const octets = randomBytes(16)
  octets[0] = (octets[0]! & 0x7f) | 0x40
  return octets
}

function extensionsOf(plan: CertificatePlan, keyId: Buffer, issuerKeyId: Buffer): Buffer[] {
  const { authority, uri, dnsNames = [], subject } = plan
  const names = [
    ...(uri === undefined ? [] : [element(0x86, Buffer.from(uri, 'latin1'))]),
    ...dnsNames.map((name) => element(0x82, Buffer.from(name, 'latin1'))),
  ]
  const isNamedByThem = readElements(subject)[0]!.content.length === 0
  return [
    authority
      ? extension(extensionIds.basicConstraints, sequence(boolean(true), smallInteger(authority.pathLength)), true)
      : extension(extensionIds.basicConstraints, sequence(), true),
    // keyCertSign and cRLSign, or digitalSignature (X509-SVID section 4.3).
    extension(extensionIds.keyUsage, authority ? bitString(Buffer.of(0x06), 1) : bitString(Buffer.of(0x80), 7), true),
    ...(authority
      ? []
      : [extension(extensionIds.extendedKeyUsage, sequence(oid(purposeIds.serverAuth), oid(purposeIds.clientAuth)))]),
    extension(extensionIds.subjectKeyId, octetString(keyId)),
    extension(extensionIds.authorityKeyId, sequence(element(0x80, issuerKeyId))),
    // Critical where the subject is empty (RFC 5280 section 4.2.1.6).
    ...(names.length > 0 ? [extension(extensionIds.subjectAltName, sequence(...names), isNamedByThem)] : []),
  ]
}

export function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octetString(value))
}

interface SignatureAlgorithm {
  der: Buffer
  hash: string
}

/** RFC 5758 section 3.2, RFC 4055 section 5. */
function signatureAlgorithm({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SignatureAlgorithm {
  if (asymmetricKeyType === 'rsa')
    return { der: sequence(oid('1.2.840.113549.1.1.11'), element(tags.null)), hash: 'sha256' }
  if (asymmetricKeyType !== 'ec') throw new Error(`a key of type ${asymmetricKeyType} signs no certificates`)
  return asymmetricKeyDetails?.namedCurve === 'secp384r1'
    ? { der: sequence(oid('1.2.840.10045.4.3.3')), hash: 'sha384' }
    : { der: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' }
}
