/**
 * Envoy's secret discovery (SDS), state of the world: `default` is the leaf with its key, `ROOTCA` the trusted roots, the names that
 * Istio's agents use. On a Unix socket of the same machine only: a key leaves this process here, and only here.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { rootSecretName } from '#/model/trust-secret.ts'
import type { Log } from '#/std/log.ts'
import { type Secret, SecretSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#/xds/proto/envoy/service/discovery/v3/discovery_pb.ts'
import { typeUrls } from '#/xds/resources/resource.ts'
import type { GrpcServer, ServerStreamHandler, ServerStreamWriter } from '#/xds/transport/server/grpc-server.ts'
import type { Svid } from '../workload/svid.ts'
import type { WorkloadIdentity } from '../workload/workload-identity.ts'

/** The name of a workload's own certificate. */
export const leafSecretName = 'default'
const invalidArgument = 3

/** Adds the stream to `server`. */
export function serveSecrets(server: GrpcServer, identity: WorkloadIdentity, log: Log): void {
  const path = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets'
  server.addStream(path, (writer) => new SecretStream(writer, identity, log))
}

class SecretStream implements ServerStreamHandler {
  readonly #writer: ServerStreamWriter
  readonly #identity: WorkloadIdentity
  readonly #log: Log
  readonly #unsubscribe: () => void
  #names: readonly string[] = []
  #sent: Svid | undefined
  #nonce = 0

  constructor(writer: ServerStreamWriter, identity: WorkloadIdentity, log: Log) {
    this.#writer = writer
    this.#identity = identity
    this.#log = log
    this.#unsubscribe = identity.svid.subscribe((svid) => this.#send(svid))
  }

  onMessage(bytes: Uint8Array): void {
    let request: DiscoveryRequest
    try {
      request = fromBinary(DiscoveryRequestSchema, bytes)
    } catch {
      this.#writer.end({ code: invalidArgument, message: 'the request is no discovery request' })
      return
    }
    if (request.errorDetail)
      this.#log.warn('a client rejected its secrets', { node: request.node?.id, reason: request.errorDetail.message })
    // What answers an older response says nothing (xDS protocol).
    if (request.responseNonce !== '' && request.responseNonce !== String(this.#nonce)) return
    // Other names: what was sent says nothing of them.
    if (request.resourceNames.join('\0') !== this.#names.join('\0')) this.#sent = undefined
    this.#names = request.resourceNames
    const svid = this.#identity.svid.value
    if (svid) this.#send(svid)
  }

  onClosed(): void {
    this.#unsubscribe()
  }

  #send(svid: Svid): void {
    if (this.#names.length === 0 || svid === this.#sent) return
    this.#sent = svid
    const secrets = this.#names.map((name) => secretOf(name, svid)).filter((secret) => secret !== undefined)
    this.#nonce++
    const response = create(DiscoveryResponseSchema, {
      versionInfo: String(this.#nonce),
      nonce: String(this.#nonce),
      typeUrl: typeUrls.secret,
      resources: secrets.map((secret) => anyPack(SecretSchema, secret)),
    })
    this.#writer.write(toBinary(DiscoveryResponseSchema, response), () => undefined)
  }
}

/** @returns nothing for a name that is not ours to give. */
function secretOf(name: string, { certificateChainPem, privateKey, bundlePem }: Svid): Secret | undefined {
  const inline = (value: string) => ({ specifier: { case: 'inlineString' as const, value } })
  if (name === rootSecretName) {
    const value = { trustedCa: inline(bundlePem) }
    return create(SecretSchema, { name, type: { case: 'validationContext', value } })
  }
  if (name !== leafSecretName) return undefined
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const value = { certificateChain: inline(certificateChainPem), privateKey: inline(key) }
  return create(SecretSchema, { name, type: { case: 'tlsCertificate', value } })
}
