import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deploymentYaml, withResources } from './testing/resources.ts'
import { planWorkloads, type WorkloadPlan } from './workload-plan.ts'

const machine = { node: '/our/node', path: '/bin:/usr/bin' }

function planOf(container: string): WorkloadPlan {
  const { workloads, leftOut } = withResources(deploymentYaml(container), (resources) =>
    planWorkloads(resources, machine),
  )
  assert.deepEqual(leftOut, [])
  return workloads[0]!
}

function reasonOf(container: string): string {
  const { workloads, leftOut } = withResources(deploymentYaml(container), (resources) =>
    planWorkloads(resources, machine),
  )
  assert.deepEqual(workloads, [])
  return leftOut[0]!.reason
}

test('a first word `node` is our own Node, and other words are looked up in PATH', () => {
  assert.deepEqual(planOf('{ name: c, command: [node, cart.mjs], args: [--fast] }').containers[0]!.argv, [
    '/our/node',
    'cart.mjs',
    '--fast',
  ])
  assert.match(planOf('{ name: c, command: [sh] }').containers[0]!.argv[0]!, /^\/(usr\/)?bin\/sh$/)
  assert.match(reasonOf('{ name: c, command: [no-such-program] }'), /^no-such-program is not on this machine/)
})

test('a command runs in the folder of its YAML file, or in workingDir below it', () => {
  const yaml = deploymentYaml('{ name: c, command: [./run.sh], workingDir: inner }')
  const withoutFolder = withResources(yaml, (resources) => planWorkloads(resources, machine))
  assert.match(withoutFolder.leftOut[0]!.reason, /workingDir inner is not on this machine/)
  withResources(yaml, (resources, folder) => {
    mkdirSync(join(folder, 'inner'))
    writeFileSync(join(folder, 'inner/run.sh'), '')
    const [container] = planWorkloads(resources, machine).workloads[0]!.containers
    assert.equal(realpathSync(container!.folder), realpathSync(join(folder, 'inner')))
    assert.ok(container!.argv[0]!.endsWith('/inner/run.sh'))
  })
})

test('a Deployment without a command is left out with a word', () => {
  assert.match(reasonOf('{ name: c, image: "nginx" }'), /none of its containers has a `command`/)
})

test('only containers with a command run; their TCP and UDP ports count', () => {
  const ports =
    '[{ name: http, containerPort: 80 }, { name: dns, containerPort: 53, protocol: UDP }, { containerPort: 9, protocol: SCTP }]'
  const plan = planOf(`{ name: a, image: x }, { name: b, command: [sh], ports: ${ports} }`)
  assert.deepEqual(
    plan.containers.map(({ name, ports }) => [name, ports]),
    [
      [
        'b',
        [
          { port: 80, name: 'http', protocol: 'TCP' },
          { port: 53, name: 'dns', protocol: 'UDP' },
        ],
      ],
    ],
  )
})

test('what only a cluster has is named when a variable needs it; fields of the pod are at hand', () => {
  const secret = '{ name: KEY, valueFrom: { secretKeyRef: { name: s, key: k } } }'
  assert.match(reasonOf(`{ name: c, command: [sh], env: [${secret}] }`), /its variable KEY takes a value/)
  const field = '{ name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }'
  assert.deepEqual(
    planOf(`{ name: c, command: [sh], env: [${field}, { name: A, value: b }] }`).containers[0]!.environment,
    [
      { name: 'POD', field: 'metadata.name' },
      { name: 'A', value: 'b' },
    ],
  )
})

test('the hash differs when a replica must be started anew, and not for a number of replicas', () => {
  const hashOf = (yaml: string): string =>
    withResources(yaml, (resources) => planWorkloads(resources, machine).workloads[0]!.hash)
  const container = '{ name: c, command: [sh], workingDir: / }'
  const base = hashOf(deploymentYaml(container))
  assert.match(base, /^[a-z0-9]{5}$/)
  assert.equal(hashOf(deploymentYaml(container, { replicas: 3 })), base)
  assert.notEqual(hashOf(deploymentYaml('{ name: c, command: [sh, -e], workingDir: / }')), base)
  assert.notEqual(hashOf(deploymentYaml(container, { labels: '{ app: other }' })), base)
})
