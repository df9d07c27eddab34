/** The control plane's own metrics, with the names that dashboards for Istio's pilot read. */
import type { AdsServer } from '#/xds/serve/ads-server.ts'
import type { Translation } from '../translate/translate.ts'

export function controlMetrics(server: AdsServer, translation: Translation | undefined): string {
  const connected = server.clients().filter(({ isConnected }) => isConnected).length
  const metric = (options: { name: string; type: string; help: string; value: number }): string =>
    `# HELP ${options.name} ${options.help}\n# TYPE ${options.name} ${options.type}\n${options.name} ${options.value}\n`
  return [
    metric({ name: 'pilot_xds', type: 'gauge', help: 'Proxies connected.', value: connected }),
    metric({ name: 'pilot_xds_pushes', type: 'counter', help: 'Responses sent.', value: server.pushes }),
    metric({
      name: 'pilot_total_xds_rejects',
      type: 'counter',
      help: 'Responses that proxies rejected.',
      value: server.nacks,
    }),
    metric({
      name: 'pilot_services',
      type: 'gauge',
      help: 'Services of the mesh.',
      value: translation?.mesh.services.size ?? 0,
    }),
    metric({
      name: 'process_resident_memory_bytes',
      type: 'gauge',
      help: 'Resident memory.',
      value: process.memoryUsage.rss(),
    }),
  ].join('')
}
