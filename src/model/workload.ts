/** One running copy of an application: a pod in a cluster, a process of `weft up` on a laptop. */
import type { HostPort } from '#/std/host-port.ts'
import type { AccessRules } from './access.ts'
import type { JwtRules } from './authentication.ts'
import type { ExternalAuthorization } from './external-authorization.ts'
import type { MutualTlsMode } from './mutual-tls.ts'
import type { Transport } from './service.ts'

/** Names that tell a workload apart in metrics, logs and traces. Unknown ones are empty strings. */
export interface WorkloadIdentity {
  namespace: string
  /** The owner that people know: name of the Deployment, StatefulSet, Job. */
  workload: string
  pod: string
  serviceAccount: string
  /** Label `app`, else `app.kubernetes.io/name`, else the workload's name. */
  app: string
  /** Label `version`, else `app.kubernetes.io/version`, else `latest`. */
  version: string
}

/** A port that the application serves, and the way in through its sidecar. */
export interface WorkloadPort {
  /** The number that Services' `targetPort` and the pod's `containerPort` speak of. */
  port: number
  name: string
  /** Absent: `tcp`. */
  transport?: Transport
  /** Where the application itself listens, reached by its sidecar only. */
  application: HostPort
  /** Where the sidecar takes requests for this port: what other proxies dial. */
  inbound: HostPort
  /** Absent: its sidecar has no identity, or datagrams come there. */
  mutualTls?: MutualTlsMode
  /** Who may do what there; absent: anybody anything. */
  access?: AccessRules
}

export interface Workload extends WorkloadIdentity {
  labels: Readonly<Record<string, string>>
  /** The pod's own address. */
  address: string
  ports: readonly WorkloadPort[]
  /** Where the sidecar takes calls of the application. Empty when calls are redirected to it by the kernel. */
  outbound?: HostPort
  /** One listener a Service port on loopback, for applications that know no HTTP proxy: key `host:port` of the Service. */
  explicit: Readonly<Record<string, HostPort>>
  /** Traffic arrives by redirection in a network namespace; the original destination tells what it was for. */
  isRedirected: boolean
  /** Who may do what, whatever the port, where ports come by redirection; conditions on ports stand in it. */
  access?: AccessRules
  /** What is asked of tokens that requests bring. */
  jwt?: JwtRules
  /** Who is asked about requests. */
  externalAuthorization?: ExternalAuthorization
  /** Its sidecar has a certificate of the mesh, and so may take and make connections by mutual TLS. */
  hasIdentity: boolean
  isReady: boolean
  /** Asked to go: takes no new requests, finishes those it has. */
  isDraining: boolean
}

/** The id of a proxy on xDS (`node.id`): unique in the mesh, and readable. */
export function formatNodeId(workload: Pick<WorkloadIdentity, 'namespace' | 'pod'>): string {
  return `${workload.pod}.${workload.namespace}`
}
