/** Settings of the sidecar about who it is. */
import type { HostPort } from '#/std/host-port.ts'
import type { SettingTable } from './setting.ts'

export const identitySettings = {
  controlSecure: {
    type: 'addresses',
    default: [] as readonly HostPort[],
    reason:
      'TLS ports of control planes, tried in turn, for certificates and, in place of `--control`, for configuration. With them come `--identity-token-file` and `--trust-bundle-file`, or `--workload-api`.',
  },
  identityTokenFile: {
    type: 'text',
    default: '',
    reason: 'File with the token that proves who this workload is; read again for each certificate.',
  },
  trustBundleFile: {
    type: 'text',
    default: '',
    reason: 'PEM file of the roots that are trusted to begin with; looked at for changes.',
  },
  workloadApi: {
    type: 'text',
    default: '',
    reason:
      'Unix socket of a SPIFFE Workload API, as SPIRE has it: the identity comes from there in place of the control plane.',
  },
  trustDomain: {
    type: 'text',
    default: 'cluster.local',
    reason: 'Trust domain of the mesh, the first part of all names in it.',
  },
} as const satisfies SettingTable
