/** envoy.extensions.transport_sockets.tls.v3.Secret → TrustSecret. A private key from elsewhere is refused: ours is made here. */
import type { TrustSecret } from '#/model/trust-secret.ts'
import type { FieldReader } from './field-reader.ts'

export function readSecret(reader: FieldReader): TrustSecret {
  const source = reader.message('validation_context')?.message('trusted_ca')
  const trustedCaPem = source?.string('inline_string') || source?.text('inline_bytes') || ''
  if (trustedCaPem === '')
    reader.fault('validation_context.trusted_ca', 'is empty; roots in place are supported by this proxy')
  return { name: reader.string('name'), trustedCaPem }
}
