/** Certificates for tests, made in this process: X.509 (RFC 5280) written as DER by hand, keys by node:crypto. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'
import type { TlsCertificate } from '#/model/tls.ts'

export interface TestAuthority {
  pem: string
  /** @param names DNS names, URIs or IPv4 addresses. */
  issue(names: readonly string[], options?: { notAfter?: Date }): TestCertificate
}

export interface TestCertificate {
  chain: string
  key: string
  model: TlsCertificate
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
/** ecdsa-with-SHA256. */
const signatureAlgorithm = sequence(oid('2a8648ce3d040302'))
const commonName = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
const time = (at: Date): Buffer => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\..*/g, '')}Z`))

function extension(hex: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : []
  return sequence(oid(hex), ...critical, der(0x04, value))
}

function alternativeName(name: string): Buffer {
  if (name.includes('://')) return der(0x86, Buffer.from(name))
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split('.').map(Number)))
  return der(0x82, Buffer.from(name))
}

let serial = 1

interface Content {
  subject: string
  issuer: string
  publicKey: KeyObject
  issuerKey: KeyObject
  names: readonly string[]
  isAuthority: boolean
  notAfter: Date
}

function certificate(content: Content): string {
  const { subject, issuer, publicKey, issuerKey, names, isAuthority, notAfter } = content
  const extensions = [
    extension('551d13', sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : [])), true),
    ...(names.length > 0 ? [extension('551d11', sequence(...names.map(alternativeName)))] : []),
  ]
  serial++
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([0x01, serial >> 8, serial & 255])),
    signatureAlgorithm,
    commonName(issuer),
    sequence(time(new Date(Date.UTC(2020, 0, 1))), time(notAfter)),
    commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const whole = sequence(body, signatureAlgorithm, der(0x03, Buffer.from([0]), sign('sha256', body, issuerKey)))
  return `-----BEGIN CERTIFICATE-----\n${whole
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`
}

const farAway = new Date(Date.UTC(2099, 0, 1))

export function testAuthority(name = 'test authority'): TestAuthority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const base = { issuer: name, issuerKey: own.privateKey }
  const pem = certificate({
    ...base,
    subject: name,
    publicKey: own.publicKey,
    names: [],
    isAuthority: true,
    notAfter: farAway,
  })
  return {
    pem,
    issue(names, { notAfter = farAway } = {}) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const subject = `leaf ${serial}`
      const chain = certificate({ ...base, subject, publicKey, names, isAuthority: false, notAfter })
      const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
        .export({ type: 'pkcs8', format: 'pem' })
        .toString()
      const model: TlsCertificate = {
        chain: { type: 'inline', pem: chain },
        privateKey: { type: 'inline', pem: key },
      }
      return { chain, key, model }
    },
  }
}
