/** envoy.extensions.transport_sockets.tls.v3.Secret → TrustSecret. A private key from elsewhere is refused: ours is made here. */
import type { TrustSecret } from '#/model/trust-secret.ts'
import type { FieldReader } from './field-reader.ts'

export function readSecret(reader: FieldReader): TrustSecret {
  const context = reader.message('validation_context')
  const source = context?.message('trusted_ca')
  const trustedCaPem = source?.string('inline_string') || source?.text('inline_bytes') || ''
  if (trustedCaPem === '')
    reader.fault('validation_context.trusted_ca', 'is empty; roots in place are supported by this proxy')
  const federation = readFederation(context, trustedCaPem)
  const revocations = readRevocations(context)
  return {
    name: reader.string('name'),
    trustedCaPem,
    ...(federation ? { federation } : {}),
    ...(revocations ? { revocations } : {}),
  }
}

function readRevocations(context: FieldReader | undefined): TrustSecret['revocations'] {
  const source = context?.message('crl')
  const isOfLeavesAlone = context?.boolean('only_verify_leaf_cert_crl') ?? false
  if (!source) return undefined
  const pem = source.string('inline_string') || source.text('inline_bytes')
  if (pem === '') source.fault('inline_string', 'is empty; revocation lists in place are supported by this proxy')
  return { pem, isOfLeavesAlone }
}

const validatorType = 'envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig'

/** The trust domain whose roots are those of the context is our own. */
function readFederation(context: FieldReader | undefined, own: string): TrustSecret['federation'] {
  const custom = context?.message('custom_validator_config')
  if (!custom) return undefined
  const typed = custom.any('typed_config')
  if (typed?.typeName !== validatorType) {
    custom.fault('typed_config', `validator ${typed?.typeName ?? ''} is unsupported by this proxy`)
    return undefined
  }
  custom.string('name')
  const domains = typed.open(validatorType).messages('trust_domains')
  const all = domains.map((domain) => ({
    trustDomain: domain.string('name'),
    pem: domain.message('trust_bundle')?.string('inline_string') ?? '',
  }))
  const trustDomain = all.find(({ pem }) => pem === own)?.trustDomain
  if (trustDomain === undefined) {
    custom.fault('typed_config', 'no trust domain has the roots of trusted_ca')
    return undefined
  }
  return { trustDomain, others: all.filter((one) => one.trustDomain !== trustDomain) }
}
