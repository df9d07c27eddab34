/** Whose word on certificates is taken: ConfigMaps with `ca.crt`, or the roots of the system. */
import { X509Certificate } from 'node:crypto'
import type { BackendTlsValidation } from '#/api/backend-tls-policy.ts'
import type { Resources } from '#/control/source/resources.ts'
import type { AppProtocol } from '#/model/service.ts'
import { type ClientTls, type PemSource, systemRootsPath } from '#/model/tls.ts'
import type { Finding } from '../fault.ts'
import { perObject } from '../identity.ts'

/** Of a ConfigMap (BackendTLSPolicyValidation, `caCertificateRefs`). */
const caKey = 'ca.crt'

export interface Authorities {
  /** Absent: nobody's word is taken, so that no connection may be made. */
  trustedCa?: PemSource
  /** One a reference that is of no use. */
  problems: readonly { reason: 'InvalidCACertificateRef' | 'InvalidKind'; finding: Finding }[]
}

/** @param options.field where `validation` stands. References that are of use count, whatever the others are. */
export function readAuthorities(
  validation: BackendTlsValidation,
  options: { resources: Resources; namespace: string; field: string },
): Authorities {
  const { caCertificateRefs = [] } = validation
  if (caCertificateRefs.length === 0) return { trustedCa: { type: 'file', path: systemRootsPath }, problems: [] }
  const pems: string[] = []
  const problems: Authorities['problems'][number][] = []
  caCertificateRefs.forEach(({ group, kind, name }, index) => {
    const field = `${options.field}.caCertificateRefs[${index}]`
    if ((group !== '' && group !== 'core') || kind !== 'ConfigMap') {
      problems.push({ reason: 'InvalidKind', finding: kindFinding(`${field}.kind`, kind) })
      return
    }
    const found = options.resources.of('ConfigMap').get(`${options.namespace}/${name}`)
    const pem = found && certificatesOf(found.value)
    if (pem) pems.push(pem)
    else {
      const what = found ? `holds no certificate under ${caKey}` : 'does not exist'
      problems.push({ reason: 'InvalidCACertificateRef', finding: missingFinding(`${field}.name`, name, what) })
    }
  })
  return pems.length > 0 ? { trustedCa: { type: 'inline', pem: pems.join('') }, problems } : { problems }
}

/** Certificates alone, each of which can be read: one that can't would cost an Envoy the whole cluster. Empty for none. */
const certificatesOf = perObject(({ data }: { data?: Readonly<Record<string, string>> | null | undefined }): string => {
  const blocks = data?.[caKey]?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.every(isCertificate) ? blocks.map((block) => `${block}\n`).join('') : ''
})

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

/**
 * TLS to servers of one name; without one, to the host of each call. Names that are listed stand in place of the host name, which is then sent only (BackendTLSPolicyValidation,
 * `subjectAltNames`).
 */
export function tlsTo(
  validation: BackendTlsValidation,
  options: { hostname: string | undefined; trustedCa: PemSource; protocol: AppProtocol },
): ClientTls {
  const { hostname, trustedCa, protocol } = options
  const listed = (validation.subjectAltNames ?? []).flatMap(({ hostname: name, uri }) => name ?? uri ?? [])
  const names = listed.length > 0 ? listed : hostname === undefined ? [] : [hostname]
  return {
    serverName: hostname ?? '',
    alpn: alpnOf[protocol],
    trustedCa,
    ...(names.length > 0 ? { subjectNames: names } : {}),
  }
}

/** What would be spoken without TLS. */
const alpnOf: Readonly<Record<AppProtocol, readonly string[]>> = {
  auto: ['h2', 'http/1.1'],
  http: ['http/1.1'],
  ws: ['http/1.1'],
  http2: ['h2'],
  grpc: ['h2'],
  tcp: [],
  tls: [],
  udp: [],
}

function kindFinding(field: string, kind: string): Finding {
  return {
    code: 'ca-kind',
    field,
    message: `Certificates can't be read from a ${kind}.`,
    cure: 'Write group: "" and kind: ConfigMap.',
  }
}

function missingFinding(field: string, name: string, what: string): Finding {
  return {
    code: 'dangling-ca',
    field,
    message: `ConfigMap ${name} ${what}.`,
    cure: `Create it in the same namespace, with certificates in PEM under the key ${caKey}.`,
  }
}
