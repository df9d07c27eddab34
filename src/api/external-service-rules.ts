/** What no single field of an ExternalService can say: which of them go together, and which names nobody may take. */
import { isIP } from 'node:net'
import { checkBackendTls } from './backend-tls-policy.ts'
import type { ExternalService } from './external-service.ts'
import { rootNamespace } from './policy-target.ts'
import { RuleCheck, type RuleFault } from './rule-check.ts'
import { preciseHostnamePattern } from './text-form.ts'

/** Names of Services end so; nobody outside answers to them. */
const meshSuffixes = ['.cluster.local', '.svc']

export function externalServiceFaults(service: ExternalService): RuleFault[] {
  const check = new RuleCheck()
  const { hosts, allowedCallers } = service.spec
  hosts.forEach((host, index) => {
    checkHost(check, host, index)
  })
  check.unique(hosts, (index) => ['spec', 'hosts', index], 'the host')
  checkEndpoints(check, service)
  checkPorts(check, service)
  const namespaces = allowedCallers?.namespaces
  const at = ['spec', 'allowedCallers', 'namespaces']
  if (namespaces?.from === 'Selector' && Object.keys(namespaces.selector?.matchLabels ?? {}).length === 0)
    check.add(
      'missing-field',
      [...at, 'selector'],
      'from: Selector names no labels',
      'write selector: { matchLabels: … }, or from: All',
    )
  if (namespaces && namespaces.from !== 'Selector' && namespaces.selector)
    check.add(
      'contradiction',
      [...at, 'selector'],
      `a selector means nothing for from: ${namespaces.from}`,
      'remove it, or write from: Selector',
    )
  if (namespaces && namespaces.from !== 'Same' && (service.metadata.namespace ?? 'default') !== rootNamespace)
    check.add(
      'target-not-permitted',
      [...at, 'from'],
      'a host that others call too would go where this namespace likes',
      `move it to namespace ${rootNamespace}, whose owner runs the mesh, or write from: Same`,
    )
  return check.faults
}

function checkHost(check: RuleCheck, host: string, index: number): void {
  const path = ['spec', 'hosts', index]
  if (isIP(host) !== 0)
    check.add(
      'bad-hostname',
      path,
      `${host} is an address, not a name`,
      'give it a name here, and the address under endpoints',
    )
  else if (meshSuffixes.some((suffix) => host.endsWith(suffix)))
    check.add('bad-hostname', path, `${host} is a name of the cluster`, 'write a Service for what runs in the cluster')
  else if (!host.includes('.'))
    check.add(
      'bad-hostname',
      path,
      `${host} could be a Service of the caller's namespace`,
      'write a full name with a dot in it',
    )
}

function checkEndpoints(check: RuleCheck, { spec }: ExternalService): void {
  const { resolution = 'DNS', endpoints } = spec
  const path = ['spec', 'endpoints']
  if (resolution === 'Static' && !endpoints)
    check.add(
      'missing-field',
      path,
      'resolution: Static needs the addresses',
      'write endpoints: [{ address: 192.0.2.1 }]',
    )
  if (resolution === 'None' && endpoints)
    check.add(
      'contradiction',
      path,
      'resolution: None goes where the call was going, not to endpoints',
      'remove one of the two',
    )
  endpoints?.forEach(({ address }, index) => {
    const at = [...path, index, 'address']
    if (resolution === 'Static' && isIP(address) === 0)
      check.add('bad-address', at, `${address} is no IP address`, 'write an address, or resolution: DNS')
    else if (isIP(address) === 0 && !preciseHostnamePattern.test(address))
      check.add('bad-address', at, `${address} is neither an IP address nor a host name`, 'write one of the two')
  })
}

function checkPorts(check: RuleCheck, { spec }: ExternalService): void {
  const { hosts, ports, resolution = 'DNS', endpoints } = spec
  const isOneHost = hosts.length === 1 && !hosts[0]!.startsWith('*.')
  const isFixed = endpoints !== undefined || (resolution === 'DNS' && isOneHost)
  const numbers = new Map<number, number>()
  ports.forEach(({ port, name, protocol, targetPort, tls }, index) => {
    const path = ['spec', 'ports', index]
    const before = numbers.get(port)
    if (before !== undefined)
      check.add(
        'duplicate-port',
        [...path, 'port'],
        `port ${before} of the list has the number ${port} already`,
        'remove one of the two',
      )
    numbers.set(port, before ?? index)
    if (ports.length > 1 && !name)
      check.add('missing-field', [...path, 'name'], 'several ports need a name each', 'add a name, like http')
    if (targetPort !== undefined && targetPort !== port && !isFixed)
      check.add(
        'contradiction',
        [...path, 'targetPort'],
        'the call goes to the host and port that it was made to',
        'name one exact host or endpoints, or remove targetPort',
      )
    if (!tls) return
    if (protocol === 'TLS')
      check.add('contradiction', [...path, 'tls'], 'the application encrypts by itself', 'remove tls, or say HTTP')
    if (!isOneHost && tls.hostname === undefined && (endpoints !== undefined || resolution === 'None'))
      check.add(
        'missing-field',
        [...path, 'tls', 'hostname'],
        'with several hosts it is not clear which name the server should have',
        'write hostname, or an ExternalService for each host',
      )
    checkBackendTls(check, tls, [...path, 'tls'])
  })
  check.unique(
    ports.map(({ name }) => name),
    (index) => ['spec', 'ports', index, 'name'],
    'the port name',
  )
}
