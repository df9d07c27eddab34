/** The contract again with HTTP/2 on either side or both. */
import { proxyContract } from './suite.ts'
import { startWeftProxy } from './weft-proxy.ts'

const weft = { name: 'weft', start: startWeftProxy } as const
proxyContract(weft, { client: 'h2c', backend: 'h2c' })
proxyContract(weft, { client: 'h1', backend: 'h2c' })
proxyContract(weft, { client: 'h2c', backend: 'h1' })
