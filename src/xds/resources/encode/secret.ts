/** TrustSecret → envoy.extensions.transport_sockets.tls.v3.Secret. Private keys never travel. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { TrustSecret } from '#/model/trust-secret.ts'
import { SecretSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { SPIFFECertValidatorConfigSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.ts'
import type { Encode } from '../resource.ts'
import { packAny } from './any.ts'

/** Envoy's name for it. */
const spiffeValidator = 'envoy.tls.cert_validator.spiffe'

/** Each name is held against the roots of its own trust domain alone. */
function validatorOf({ trustedCaPem, federation }: TrustSecret) {
  if (!federation) return {}
  const domain = (name: string, pem: string) => ({
    name,
    trustBundle: { specifier: { case: 'inlineString' as const, value: pem } },
  })
  const config = create(SPIFFECertValidatorConfigSchema, {
    trustDomains: [
      domain(federation.trustDomain, trustedCaPem),
      ...federation.others.map(({ trustDomain, pem }) => domain(trustDomain, pem)),
    ],
  })
  const typedConfig = packAny(SPIFFECertValidatorConfigSchema, config)
  return { customValidatorConfig: { name: spiffeValidator, typedConfig } }
}

/** With lists OpenSSL asks for one of each authority above the leaf, unless told to look at the leaf alone. */
function revocationsOf({ revocations }: TrustSecret) {
  if (!revocations) return {}
  return {
    crl: { specifier: { case: 'inlineString' as const, value: revocations.pem } },
    onlyVerifyLeafCertCrl: revocations.isOfLeavesAlone,
  }
}

export const encodeSecret: Encode<TrustSecret> = (secret) =>
  toBinary(
    SecretSchema,
    create(SecretSchema, {
      name: secret.name,
      type: {
        case: 'validationContext',
        value: {
          trustedCa: { specifier: { case: 'inlineString', value: secret.trustedCaPem } },
          ...revocationsOf(secret),
          ...validatorOf(secret),
        },
      },
    }),
  )
