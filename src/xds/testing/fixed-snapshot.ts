/** A snapshot for tests of serving and fetching: resources by name, the same for everyone. */

import type { Cluster } from '#/model/cluster.ts'
import type { ResourceKind, ResourceValues } from '../resources/resource.ts'
import type { EncodedResource, Snapshot } from '../serve/snapshot.ts'
import { encodeResource } from './encode-resource.ts'

export type FixedResources = { [K in ResourceKind]?: ResourceValues[K][] }

let version = 0

/** @param aliases asked name → canonical name, of listeners. */
export function fixedSnapshot(resources: FixedResources, aliases: Readonly<Record<string, string>> = {}): Snapshot {
  const tables = new Map<ResourceKind, Map<string, EncodedResource>>()
  for (const kind of ['secret', 'cluster', 'assignment', 'listener', 'route'] as const) {
    tables.set(kind, new Map((resources[kind] ?? []).map((value) => [value.name, encodeResource(kind, value)])))
  }
  return {
    version: ++version,
    view: () => ({
      find: (kind, asked, isExact) =>
        tables.get(kind)!.get(asked) ?? (isExact ? undefined : tables.get(kind)!.get(aliases[asked] ?? '')),
      all: (kind) => tables.get(kind)!.values(),
    }),
  }
}

export function clusterNamed(name: string, connectTimeoutMs = 1000): Cluster {
  return {
    name,
    discovery: { type: 'eds', serviceName: name },
    loadBalancing: 'round-robin',
    connectTimeoutMs,
    protocol: 'http1',
  }
}
