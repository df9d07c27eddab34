/** What every request of the proxy shares. */
import type { Socket } from 'node:net'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import type { Http2Limits } from '#/codec/http2/limits.ts'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import type { MemoryGuard } from './memory/memory-guard.ts'
import type { ProxyTable } from './table/proxy-table.ts'
import type { WarmRoutes } from './table/warm-routes.ts'
import type { MeshTlsEntrance } from './tls/mesh-tls-entrance.ts'
import type { UpstreamContext } from './upstream/upstream-context.ts'

export interface ProxyContext extends UpstreamContext {
  settings: ProxySettings
  http1: Http1Limits
  http2: Http2Limits
  log: Log
  memory: MemoryGuard
  /** For connections of other sidecars. */
  meshEntrance: MeshTlsEntrance
  /** Whom this proxy serves. */
  identity: WorkloadIdentity
  /** `identity` as sidecars tell one another (`exchange/mesh-header.ts`). */
  peerText: string
  table: ProxyTable
  /** Routes for destinations that nobody knows: to the address of a redirected connection, and to the host of the request. */
  passthrough: { original: WarmRoutes; dynamic: WarmRoutes }
  /** What a redirected connection was made to; undefined for one that was made to the proxy itself. */
  originalOf(socket: Socket): HostPort | undefined
}
