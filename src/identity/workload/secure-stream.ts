/** Streams to the control plane by TLS, under the leaf of the moment of dialling. */
import { GrpcStream, type GrpcStreamOptions } from '#/xds/transport/client/grpc-stream.ts'
import type { IdentitySource } from './identity-source.ts'
import { dialSecurely } from './secure-dial.ts'

/** To be used once there is a leaf. */
export function openSecureStream(identity: IdentitySource, options: GrpcStreamOptions): GrpcStream {
  return new GrpcStream({
    ...options,
    isSecure: true,
    dial: (address) => {
      const leaf = identity.svid.value
      const roots = leaf?.bundlePem ?? ''
      return dialSecurely(address, { roots, trustDomain: identity.trustDomain, ...(leaf ? { leaf } : {}) })
    },
  })
}
