import assert from 'node:assert/strict'
import { type ProxyKind, proxyContract, type RunningProxy } from '../contract/suite.ts'
import { adsBootstrap, type EnvoyProcess, startEnvoy } from './envoy.ts'

const kind: ProxyKind = {
  name: 'envoy',
  start: ({ nodeId, workload, xds }) => startEnvoy(adsBootstrap({ nodeId, cluster: workload, xds })),
  async verify(proxies: RunningProxy[]) {
    for (const envoy of proxies as EnvoyProcess[]) {
      const rejected = await envoy.stats('update_rejected')
      assert.ok(Object.keys(rejected).length > 0, 'Envoy has no update_rejected stats: the filter is wrong')
      for (const [name, count] of Object.entries(rejected))
        assert.equal(count, 0, `${name}\n${envoy.log().slice(-3000)}`)
    }
  },
}

proxyContract(kind)
proxyContract(kind, { client: 'h2c', backend: 'h2c' })
