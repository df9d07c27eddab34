/** What the proxy's tables are built from: named resources that come, change and go. */
import type { ResourceKind, ResourceValues } from '../resources/resource.ts'

export interface ResourceWatcher<K extends ResourceKind> {
  /** The resource is there or has changed. `name` is the canonical one, which may differ from what was asked (alias). */
  onResource(name: string, value: ResourceValues[K]): void
  /** The control plane says that it does not exist, or no longer. Silence is not this: a lost stream keeps what was there. */
  onMissing(name: string): void
  /** Wildcard only: the first whole answer has been told. */
  onSynced?(): void
}

export interface Subscription {
  /** The watcher hears no more; the name is given up when nobody else holds it. */
  cancel(): void
}

export interface ResourceSource {
  /** `name` may be `*` (wildcard). The watcher is called later, never during this call; at once with what is already known. */
  subscribe<K extends ResourceKind>(kind: K, name: string, watcher: ResourceWatcher<K>): Subscription
}
