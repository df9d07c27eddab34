/** Who a client of the control plane is (Envoy: core.v3.Node), as far as it matters to us. */

export interface XdsNode {
  /** `formatNodeId` for a sidecar of the mesh. */
  id: string
  /** Envoy's `node.cluster`: the workload's name. */
  cluster: string
  /** `weft`, `envoy`, `gRPC Node.js`… as in `user_agent_name`. Our proxy says `weft` and so gets listeners on demand. */
  userAgent: string
  userAgentVersion: string
  /** String fields of `node.metadata`: `namespace`, `workload`. */
  metadata: Readonly<Record<string, string>>
}
