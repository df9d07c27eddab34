/**
 * Calls to the address of a pod (a headless Service's, say) are known to nobody by name, and yet do not leave the mesh: where unknown
 * hosts are refused these go where they are going.
 */
import { isIP } from 'node:net'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { Mesh } from '#/model/mesh.ts'
import { formatHostPort, parseHostPort } from '#/std/host-port.ts'

const name = 'direct'

export const directCluster: Cluster = {
  name,
  discovery: { type: 'original-destination' },
  loadBalancing: 'round-robin',
  connectTimeoutMs: 5000,
  protocol: 'downstream',
}

const backends = [{ type: 'cluster' as const, cluster: name, weight: 1 }]

export const directListener: Listener = {
  name,
  direction: 'outbound',
  protocol: 'auto',
  target: {
    type: 'routes',
    routes: {
      type: 'inline',
      configuration: {
        name,
        virtualHosts: [
          {
            name,
            domains: ['*'],
            routes: [
              {
                name,
                match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
                action: { type: 'forward', backends, timeoutMs: 0, mirrors: [] },
              },
            ],
          },
        ],
      },
    },
  },
  streams: [{ name, serverNames: [], backends }],
  isRedirected: false,
  isLazy: false,
}

/** `ADDRESS:PORT` of endpoints; and of pods that have an address of their own, every port. */
const known = new WeakMap<Mesh['assignments'], { workloads: Mesh['workloads']; addresses: ReadonlySet<string> }>()

function addressesOf({ assignments, workloads }: Mesh): ReadonlySet<string> {
  const before = known.get(assignments)
  if (before?.workloads === workloads) return before.addresses
  const addresses = new Set<string>()
  for (const { address, isRedirected } of workloads.values()) if (isRedirected) addresses.add(address)
  for (const { endpoints } of assignments.values())
    for (const { address, port } of endpoints) addresses.add(formatHostPort({ host: address, port }))
  known.set(assignments, { workloads, addresses })
  return addresses
}

/** @param asked `host:port` that has no name. Where unknown hosts pass there is nothing to be said of it. */
export function isDirect(mesh: Mesh, asked: string): boolean {
  if (!mesh.refusesUnknownHosts) return false
  const parsed = parseHostPort(asked)
  if (!parsed || isIP(parsed.host) === 0) return false
  const addresses = addressesOf(mesh)
  return addresses.has(asked) || addresses.has(parsed.host)
}
