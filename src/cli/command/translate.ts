/** `weft translate` */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Mesh } from '#/model/mesh.ts'
import { type Command, CommandError, type OptionRow } from '../command.ts'
import { formatData } from '../output/data.ts'
import { formatFault } from '../output/fault.ts'

const outputFormat: OptionRow = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  choices: ['yaml', 'json'],
  default: 'yaml',
  summary: 'how it is printed',
}

export const translateCommand: Command = {
  name: 'translate',
  summary: 'show what the control plane makes of YAML, without running anything',
  details:
    'Runs the real stages offline. `model` is what is true of the mesh, with the status of every object; `xds` is what proxies are sent, as Envoy spells it. Faults go to standard error.',
  arguments: [],
  options: [
    {
      name: 'file',
      short: 'f',
      value: 'PATH',
      isMany: true,
      summary: 'a file or folder of YAML; may be given several times',
      completes: 'file',
    },
    { name: 'to', value: 'STAGE', choices: ['model', 'xds'], default: 'model', summary: 'which stage to show' },
    outputFormat,
  ],
  examples: [
    { line: 'weft translate -f examples/shop', does: 'services, routes, clusters, and the status of each object' },
    { line: 'weft translate -f examples/shop --to xds -o json', does: 'the same as Envoy resources' },
  ],
  async run(invocation, { folder, output, errors }) {
    const paths = invocation.options('file')
    if (paths.length === 0) throw new CommandError(2, 'what is to be translated? Name it with -f FILE or -f FOLDER.')
    for (const path of paths) if (!existsSync(resolve(folder, path))) throw new CommandError(2, `there is no ${path}`)
    const { readOnce } = await import('#/control/source/file-source.ts')
    const { translate } = await import('#/control/translate/translate.ts')
    const { resources, faults } = readOnce(paths.map((path) => resolve(folder, path)))
    const translation = translate(resources)
    const allFaults = [...faults, ...translation.faults]
    for (const fault of allFaults) errors.write(`${formatFault(fault, errors)}\n`)
    const { mesh, statuses } = translation
    const data = invocation.option('to') === 'xds' ? await xdsOf(mesh) : { ...modelOf(mesh), statuses }
    output.write(formatData(data, invocation.option('output') === 'json' ? 'json' : 'yaml'))
    return allFaults.some(({ severity }) => severity === 'error') ? 1 : 0
  },
}

function modelOf({ services, workloads, routes, destinations, clusters, assignments }: Mesh): object {
  return { services, workloads, routes, destinations, clusters, assignments }
}

/** Shared resources, and for each workload the listeners and clusters that only its sidecar gets. */
async function xdsOf(mesh: Mesh): Promise<object> {
  const { messageAsJson } = await import('../output/xds-json.ts')
  const { inboundClusters, sidecarListeners } = await import('#/control/publish/sidecar-listeners.ts')
  const { ServedPorts } = await import('#/control/publish/served-port.ts')
  const { encodeAssignment } = await import('#/xds/resources/encode/assignment.ts')
  const { encodeCluster } = await import('#/xds/resources/encode/cluster.ts')
  const { encodeListener } = await import('#/xds/resources/encode/listener.ts')
  const { encodeRoute } = await import('#/xds/resources/encode/route.ts')
  const served = new ServedPorts(mesh)
  const sidecars = [...mesh.workloads].map(([node, workload]) => ({
    node,
    listeners: sidecarListeners(workload, { mesh, served, isOurs: true }).map((one) =>
      messageAsJson('listener', encodeListener(one)),
    ),
    clusters: inboundClusters(workload, served).map((one) => messageAsJson('cluster', encodeCluster(one))),
  }))
  return {
    routes: [...mesh.routes.values()].map((one) => messageAsJson('route', encodeRoute(one))),
    clusters: [...mesh.clusters.values()].map((one) => messageAsJson('cluster', encodeCluster(one))),
    assignments: [...mesh.assignments.values()].map((one) => messageAsJson('assignment', encodeAssignment(one))),
    sidecars,
  }
}
