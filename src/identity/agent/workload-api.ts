/**
 * The SPIFFE Workload API's X.509 part (SPIFFE Workload API standard, section 5): any program that knows it gets its identity from us.
 * Messages by hand: they are few and small.
 */
import type { X509Certificate } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { GrpcServer, OpenStream } from '#/xds/transport/server/grpc-server.ts'
import { formatSpiffeId } from '../spiffe/spiffe-id.ts'
import { readCertificates } from '../spiffe/trust-bundle.ts'
import type { Svid } from '../workload/svid.ts'
import type { WorkloadIdentity } from '../workload/workload-identity.ts'

/** Against pages in browsers and proxies that would pass a call on (section 4 of the SPIFFE Workload Endpoint standard). */
const securityField = 'workload.spiffe.io'
const invalidArgument = 3

/** Adds the streams to `server`. */
export function serveWorkloadApi(server: GrpcServer, identity: WorkloadIdentity): void {
  server.addStream('/SpiffeWorkloadAPI/FetchX509SVID', follow(identity, encodeSvids))
  server.addStream(
    '/SpiffeWorkloadAPI/FetchX509Bundles',
    follow(identity, (svid) => encodeBundles(identity.trustDomain, svid)),
  )
}

/** Each stream gets the present state at once, and each that follows. */
function follow(identity: WorkloadIdentity, encode: (svid: Svid) => Uint8Array): OpenStream {
  return (writer, call) => {
    if (call.field(securityField) !== 'true') {
      writer.end({ code: invalidArgument, message: `send the field ${securityField}: true` })
      return { onMessage: () => undefined, onClosed: () => undefined }
    }
    const unsubscribe = identity.svid.subscribe((svid) => writer.write(encode(svid), () => undefined))
    return { onMessage: () => undefined, onClosed: unsubscribe }
  }
}

function encodeSvids({ spiffeId, certificateChainPem, privateKey, bundlePem }: Svid): Uint8Array {
  const svid = new BinaryWriter()
  svid.tag(1, WireType.LengthDelimited).string(spiffeId)
  svid.tag(2, WireType.LengthDelimited).bytes(derOf(certificateChainPem))
  svid.tag(3, WireType.LengthDelimited).bytes(privateKey.export({ type: 'pkcs8', format: 'der' }))
  svid.tag(4, WireType.LengthDelimited).bytes(derOf(bundlePem))
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(svid.finish()).finish()
}

function encodeBundles(trustDomain: string, { bundlePem }: Svid): Uint8Array {
  const entry = new BinaryWriter()
  entry.tag(1, WireType.LengthDelimited).string(formatSpiffeId({ trustDomain, path: '' }))
  entry.tag(2, WireType.LengthDelimited).bytes(derOf(bundlePem))
  return new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(entry.finish()).finish()
}

/** Certificates one behind the other, without separators, as the standard has them. */
function derOf(pem: string): Buffer {
  return Buffer.concat(readCertificates(pem).map(({ raw }: X509Certificate) => raw))
}
