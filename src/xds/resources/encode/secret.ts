/** TrustSecret → envoy.extensions.transport_sockets.tls.v3.Secret. Private keys never travel. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { TrustSecret } from '#/model/trust-secret.ts'
import { SecretSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import type { Encode } from '../resource.ts'

export const encodeSecret: Encode<TrustSecret> = ({ name, trustedCaPem }) =>
  toBinary(
    SecretSchema,
    create(SecretSchema, {
      name,
      type: {
        case: 'validationContext',
        value: { trustedCa: { specifier: { case: 'inlineString', value: trustedCaPem } } },
      },
    }),
  )
