/** What the xDS types have in common, whichever side of the wire. */
import type { Cluster } from '#/model/cluster.ts'
import type { LoadAssignment } from '#/model/endpoint.ts'
import type { Listener } from '#/model/listener.ts'
import type { RouteConfiguration } from '#/model/route.ts'
import type { TrustSecret } from '#/model/trust-secret.ts'

/** The types in the order in which a server sends them: what is referred to goes first (make before break). */
export const typeUrls = {
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  assignment: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
} as const

export type ResourceKind = keyof typeof typeUrls

/** The model's noun behind each type. */
export interface ResourceValues {
  secret: TrustSecret
  cluster: Cluster
  assignment: LoadAssignment
  listener: Listener
  route: RouteConfiguration
}

/** Where Weft's own facts stand in Envoy's `metadata.filter_metadata` of listeners, clusters, endpoints and routes. */
export const metadataKey = 'weft.dev'

/**
 * What decoding gives: the value, or every fault found, each naming the field as Envoy's protos spell it
 * (`filter_chains[0].filters[0].typed_config.http_filters[1]: unsupported …`).
 */
export type Decoded<T> = { ok: true; value: T } | { ok: false; name: string; faults: string[] }

/** Reads one resource from the bytes of its message. Never throws. */
export type Decode<T> = (bytes: Uint8Array) => Decoded<T>

/** Writes one resource as the bytes of its message. Equal values give equal bytes. */
export type Encode<T> = (value: T) => Uint8Array
