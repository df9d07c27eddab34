/** How a replica's sidecar is started. */
import { formatNodeId } from '#/model/workload.ts'
import { formatHostPort, type HostPort } from '#/std/host-port.ts'
import type { WorkloadPlan } from './workload-plan.ts'

export interface SidecarOptions {
  /** Node with its flags, and the program of the proxy. */
  program: readonly string[]
  plan: WorkloadPlan
  pod: string
  /** The control plane's xDS. */
  control: HostPort
  admin: HostPort
  /** Folder for its last good configuration. */
  stateFolder: string
  accessLogFile: string
  /** How it gets its identity. */
  identityFlags: Readonly<Record<string, string>>
}

export function sidecarArguments(options: SidecarOptions): string[] {
  const { program, plan, pod, control, admin, stateFolder, accessLogFile, identityFlags } = options
  const { namespace, name, labels, serviceAccount } = plan
  const flags = {
    'node-id': formatNodeId({ namespace, pod }),
    cluster: name,
    namespace,
    app: labels.app ?? labels['app.kubernetes.io/name'] ?? name,
    'app-version': labels.version ?? labels['app.kubernetes.io/version'] ?? 'latest',
    'service-account': serviceAccount,
    control: formatHostPort(control),
    admin: formatHostPort(admin),
    'state-dir': stateFolder,
    'access-log': accessLogFile,
    ...identityFlags,
    // All sidecars of a laptop share whatever limit of processors there is: none of them is to go by the whole.
    concurrency: '1',
    // Nobody new calls it by then: `weft up` has waited until everybody knows that it goes.
    'drain-delay-ms': '0',
  }
  return [...program, ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])]
}
