/** `weft proxy config` */
import type { ProxyReport } from '#/control/api/control-state.ts'
import { type Command, CommandError, controlOption, outputOption } from '../command.ts'
import { controlClient, getJson } from '../control-client.ts'
import { colorsFor } from '../output/color.ts'
import { printData } from '../output/data.ts'
import { configTable, configTypes, type ProxyConfig, partOf } from '../output/proxy-config.ts'
import { proxiesNamed } from '../proxy-report.ts'

export const proxyConfigCommand: Command = {
  name: 'proxy config',
  summary: 'show what is in force in a proxy, asked of the proxy itself',
  arguments: [{ name: 'name', summary: 'the proxy: its pod, its workload, or POD.NAMESPACE', completes: 'proxy' }],
  options: [
    { name: 'type', value: 'TYPE', choices: configTypes, summary: 'only listeners, routes, clusters or endpoints' },
    outputOption,
    controlOption,
  ],
  examples: [
    { line: 'weft proxy config storefront', does: 'everything, as tables' },
    { line: 'weft proxy config storefront --type route', does: 'which request goes where' },
    {
      line: 'weft proxy config storefront --type endpoint -o json',
      does: 'endpoints with their health, for a program',
    },
  ],
  async run(invocation, surroundings) {
    const client = controlClient(invocation, surroundings)
    const reports = await client.get<ProxyReport[]>('/api/v1/proxies')
    const report = pickOne(proxiesNamed(reports, invocation.argument('name')!))
    if (!report.admin) {
      throw new CommandError(3, `the address of the admin endpoint of ${report.node} is not known`, adminCure)
    }
    const config = await getJson<ProxyConfig>(`http://${report.admin}`, '/config_dump')
    const type = configTypes.find((one) => one === invocation.option('type'))
    const data = type ? partOf(config, type) : config
    const colors = colorsFor(surroundings.output)
    const table = (): string => configTable(config, { type, header: colors.bold })
    printData(data, { invocation, surroundings, table })
    return 0
  },
}

const adminCure = 'Its Pod carries no annotation weft.dev/admin; a proxy of `weft up` has one as long as it runs.'

/** Of several replicas the first connected one: their configuration is the same but for their own addresses. */
function pickOne(reports: readonly ProxyReport[]): ProxyReport {
  return reports.find(({ isConnected, admin }) => isConnected && admin) ?? reports[0]!
}
