/** What the main thread and an event loop's thread say to one another. Plain data, in order in each direction. */
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { TrafficDirection } from '#/model/listener.ts'
import type { SecretPem } from '#/proxy/tls/secret-store.ts'
import type { LogLevel } from '#/std/log.ts'
import type { ResourceKind, ResourceValues } from '#/xds/resources/resource.ts'
import type { LimitTableShape } from './limit-table.ts'

/** What a loop is started with. */
export interface LoopStart {
  /** From 0. */
  loop: number
  settings: ProxySettings
  logLevel: LogLevel
  limits: LimitTableShape
  /** Secrets will come. */
  hasIdentity: boolean
}

/** What the main thread asks a loop for, when somebody reads it. */
export type FactTopic = 'metrics' | 'dump' | 'traffic'

/** From the main thread. `id` of a resource is that of the subscription. */
export type LoopOrder =
  | { type: 'resource'; id: number; name: string; value: ResourceValues[ResourceKind] }
  | { type: 'missing'; id: number; name: string }
  | { type: 'synced'; id: number }
  /** The proxy's certificate, or the roots of the mesh, in place of those before. */
  | { type: 'secret'; name: string; secret: SecretPem }
  /** To be told back: all before it has been taken. */
  | { type: 'mark'; mark: number }
  | { type: 'tell'; id: number; topic: FactTopic }
  /** Another loop wants some of a limit, or has left some. */
  | { type: 'stir'; key: string }
  | { type: 'log-level'; level: LogLevel }
  | { type: 'stop-accepting'; direction: TrafficDirection }
  /** From the first on, the loop tells how many requests are under way. */
  | { type: 'drain'; direction: TrafficDirection }
  /** Ends with whatever is under way, says `closed`, and does nothing more. */
  | { type: 'close' }

/** From a loop. */
export type LoopReport =
  | { type: 'subscribe'; id: number; kind: ResourceKind; name: string }
  | { type: 'cancel'; id: number }
  | { type: 'taken'; mark: number }
  | { type: 'told'; id: number; facts: unknown }
  | { type: 'stir'; key: string }
  /** `detail` says why not. */
  | { type: 'readiness'; isReady: boolean; detail: string }
  | { type: 'active'; count: number }
  | { type: 'log'; line: string }
  /** Of the access log, whole. */
  | { type: 'lines'; bytes: Uint8Array; lines: number }
  | { type: 'closed' }
