/** What Kubernetes asks of a Service beyond the form of its fields (core/v1 validation). */
import type { Service } from './core.ts'

export interface RuleFault {
  code: string
  path: (string | number)[]
  message: string
  cure: string
}

export function serviceFaults(service: Service): RuleFault[] {
  const ports = service.spec.ports ?? []
  const faults: RuleFault[] = []
  const names = new Map<string, number>()
  const numbers = new Map<string, number>()
  ports.forEach((port, index) => {
    const path = ['spec', 'ports', index]
    if (ports.length > 1 && !port.name)
      faults.push({
        code: 'missing-field',
        path: [...path, 'name'],
        message: 'a Service with several ports names each of them',
        cure: 'add a name, like http',
      })
    const sameName = port.name === undefined ? undefined : names.get(port.name)
    if (sameName !== undefined)
      faults.push({
        code: 'duplicate-name',
        path: [...path, 'name'],
        message: `port ${sameName} has the name ${port.name} already`,
        cure: 'give each port its own name',
      })
    if (port.name !== undefined) names.set(port.name, index)
    const number = `${port.protocol ?? 'TCP'} ${port.port}`
    const sameNumber = numbers.get(number)
    if (sameNumber !== undefined)
      faults.push({
        code: 'duplicate-port',
        path: [...path, 'port'],
        message: `port ${sameNumber} has the number ${port.port} already`,
        cure: 'remove one of the two',
      })
    numbers.set(number, index)
  })
  return faults
}
