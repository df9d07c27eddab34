import { startEngine, until } from '#/proxy/testing/engine.ts'
import { pairContract } from './pair/contract.ts'

pairContract({
  name: 'weft, in this process',
  async start(clusters, listeners) {
    const proxy = startEngine()
    for (const cluster of clusters) proxy.source.set('cluster', cluster)
    for (const listener of listeners) proxy.source.set('listener', listener)
    await until(() => proxy.engine.isReady, 'readiness')
    return {
      ports: { plain: proxy.address('plain').port, secure: proxy.address('secure').port },
      stop: async () => proxy.close(),
    }
  },
})
