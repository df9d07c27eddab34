/** Names of Services for programs in a namespace, in place of the cluster's DNS. */
import type { Service } from '#/api/core.ts'
import type { Resources } from '#/control/source/resources.ts'
import { formatServiceHost, serviceAliases } from '#/model/service.ts'

/**
 * Every name of every Service, with its address. A headless Service has none; its names lead to `gateway`, where nobody
 * listens: the connection is redirected all the same, and the Host header tells what it is for.
 */
export function hostsFile(resources: Resources, options: { namespace: string; gateway: string }): string {
  const services = [...resources.of('Service').values()].map(({ value }) => value)
  const lines = services
    .filter(({ spec }) => spec.type !== 'ExternalName')
    .map((service) => `${addressOf(service) ?? options.gateway} ${aliases(service, options.namespace).join(' ')}`)
  return ['127.0.0.1 localhost', '::1 localhost', ...lines].map((line) => `${line}\n`).join('')
}

export function addressOf({ spec }: Service): string | undefined {
  const address = spec.clusterIPs?.[0] ?? spec.clusterIP
  return address && address !== 'None' ? address : undefined
}

function aliases({ metadata: { name, namespace = 'default' } }: Service, caller: string): string[] {
  const host = formatServiceHost({ namespace, name })
  return serviceAliases({ namespace, name, host, addresses: [], isHeadless: false, ports: [] }, caller)
}

/** No name server is reached from a namespace: what is not in the hosts file fails at once, not after a timeout. */
export const resolverFile = 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n'
