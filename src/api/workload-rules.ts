/** What Kubernetes asks of Deployments and Pods beyond the form of their fields, as far as a mesh depends on it. */
import type { Deployment, Pod } from './core.ts'
import { type FieldPath, RuleCheck, type RuleFault } from './rule-check.ts'

type PodSpec = Pod['spec']

export function podFaults(pod: Pod): RuleFault[] {
  const check = new RuleCheck()
  checkContainers(check, pod.spec, ['spec', 'containers'])
  return check.faults
}

export function deploymentFaults(deployment: Deployment): RuleFault[] {
  const check = new RuleCheck()
  const { selector, template } = deployment.spec
  if (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0)
    check.add(
      'missing-field',
      ['spec', 'selector', 'matchLabels'],
      'a Deployment says by labels which Pods are its own',
      "write the labels of its template, like matchLabels: { app: 'web' }",
    )
  checkContainers(check, template.spec, ['spec', 'template', 'spec', 'containers'])
  return check.faults
}

function checkContainers(check: RuleCheck, { containers }: PodSpec, path: FieldPath): void {
  check.unique(
    containers.map(({ name }) => name),
    (index) => [...path, index, 'name'],
    'the container',
  )
  containers.forEach((container, index) => {
    const at = [...path, index]
    check.unique(
      container.ports?.map(({ name }) => name) ?? [],
      (port) => [...at, 'ports', port, 'name'],
      'the port name',
    )
    const probe = container.readinessProbe
    const handlers = ['httpGet', 'tcpSocket', 'exec', 'grpc'].filter((handler) => probe?.[handler] !== undefined)
    if (probe && handlers.length !== 1)
      check.add(
        handlers.length === 0 ? 'missing-field' : 'contradiction',
        [...at, 'readinessProbe'],
        handlers.length === 0 ? 'the probe asks nothing' : `the probe asks by ${handlers.join(' and ')}`,
        'write one of httpGet, tcpSocket, exec, grpc',
      )
  })
}
