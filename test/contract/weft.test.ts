import { proxyContract } from './suite.ts'
import { startWeftProxy } from './weft-proxy.ts'

proxyContract({ name: 'weft', start: (options) => startWeftProxy(options) })
