/** A proxy in this process that knows one destination, and applications that end with the test. */
import type { TestContext } from 'node:test'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { Route } from '#/model/route.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { TestEngine } from './engine.ts'
import { startEngine, until } from './engine.ts'
import type { Application } from './peer.ts'
import { startApplication } from './peer.ts'
import {
  apiListener,
  assignment,
  edsCluster,
  endpoint,
  forwardTo,
  outboundListener,
  route,
  routeTable,
} from './resources.ts'

/** Known as `reviews.shop` too. */
export const reviews = 'reviews.shop.svc.cluster.local:80'

export interface Outbound extends TestEngine {
  proxy: HostPort
}

export interface OutboundOptions {
  /** Of the endpoints. */
  ports: number[]
  /** One to the destination's own cluster unless said. */
  routes?: Route[]
  settings?: Partial<ProxySettings>
  isMeshed?: boolean
  cluster?: Partial<Cluster>
}

export async function startOutbound(t: TestContext, options: OutboundOptions): Promise<Outbound> {
  const started = startEngine(options.settings)
  t.after(() => started.close())
  const { source } = started
  const { ports, routes = [route(forwardTo(reviews))], isMeshed = false } = options
  source.set('listener', outboundListener())
  source.set('listener', apiListener(reviews), ['reviews.shop:80'])
  source.set('route', routeTable(reviews, ...routes))
  source.set('cluster', edsCluster(reviews, options.cluster))
  source.set('assignment', assignment(reviews, ...ports.map((port) => endpoint(port, { isMeshed }))))
  await until(() => started.engine.isReady, 'readiness')
  return { ...started, proxy: started.address('outbound') }
}

export async function application(t: TestContext, ...args: Parameters<typeof startApplication>): Promise<Application> {
  const started = await startApplication(...args)
  t.after(() => started.close())
  return started
}
