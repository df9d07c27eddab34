/** What Kubernetes asks of a Service beyond the form of its fields (core/v1, ValidateService). */
import type { Service, ServicePort } from './core.ts'
import { RuleCheck, type RuleFault } from './rule-check.ts'

export function serviceFaults(service: Service): RuleFault[] {
  const check = new RuleCheck()
  const { ports = [], type, externalName, clusterIP } = service.spec
  if (type === 'ExternalName') {
    if (!externalName)
      check.add(
        'missing-field',
        ['spec', 'externalName'],
        'a Service of type ExternalName names the host that it stands for',
        'write externalName: example.com',
      )
  } else if (externalName !== undefined)
    check.add(
      'contradiction',
      ['spec', 'externalName'],
      `externalName means nothing for type ${type ?? 'ClusterIP'}`,
      'remove it, or write type: ExternalName',
    )
  else if (ports.length === 0 && clusterIP !== 'None')
    check.add('missing-field', ['spec', 'ports'], 'a Service has at least one port', 'write ports: [{ port: 80 }]')
  checkPorts(check, ports)
  return check.faults
}

function checkPorts(check: RuleCheck, ports: readonly ServicePort[]): void {
  const numbers = new Map<string, number>()
  ports.forEach((port, index) => {
    const path = ['spec', 'ports', index]
    if (ports.length > 1 && !port.name)
      check.add(
        'missing-field',
        [...path, 'name'],
        'a Service with several ports names each of them',
        'add a name, like http',
      )
    const number = `${port.protocol ?? 'TCP'} ${port.port}`
    const before = numbers.get(number)
    if (before === undefined) numbers.set(number, index)
    else
      check.add(
        'duplicate-port',
        [...path, 'port'],
        `port ${before} of the list has the number ${port.port} already`,
        'remove one of the two',
      )
  })
  check.unique(
    ports.map(({ name }) => name),
    (index) => ['spec', 'ports', index, 'name'],
    'the port name',
  )
}
