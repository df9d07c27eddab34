/** Routes for destinations that the control plane does not know, made of the same nouns as all others. */
import type { ClusterDiscovery } from '#/model/cluster.ts'
import { compileRoutes } from '#/proxy/route/route-table.ts'
import { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { UpstreamContext } from '#/proxy/upstream/upstream-context.ts'
import type { WarmRoutes } from './warm-routes.ts'

function routesTo(type: 'original-destination' | 'dynamic', context: UpstreamContext): WarmRoutes {
  const name = `passthrough-${type}`
  const discovery: ClusterDiscovery = { type }
  const { connectTimeoutMs } = context.limits
  const cluster = new UpstreamCluster(
    { name, discovery, loadBalancing: 'round-robin', connectTimeoutMs, protocol: 'downstream' },
    context,
  )
  const table = compileRoutes({
    name,
    virtualHosts: [
      {
        name,
        domains: ['*'],
        routes: [
          {
            name,
            match: { path: { type: 'prefix', value: '' }, headers: [], query: [] },
            action: {
              type: 'forward',
              backends: [{ type: 'cluster', cluster: name, weight: 1 }],
              timeoutMs: 0,
              mirrors: [],
            },
          },
        ],
      },
    ],
  })
  return { table, clusters: new Map([[name, cluster]]) }
}

/** To the address that a redirected connection was for, and to the host of the request. */
export function passthroughRoutes(context: UpstreamContext): { original: WarmRoutes; dynamic: WarmRoutes } {
  return { original: routesTo('original-destination', context), dynamic: routesTo('dynamic', context) }
}
