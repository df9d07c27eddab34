/** The Mesh object → what holds for all sidecars. */

import { meshName } from '#/api/policy-target.ts'
import type { Resources } from '#/control/source/resources.ts'
import type { ObjectStatus } from '#/model/mesh.ts'

export interface ReadMeshSettings {
  refusesUnknownHosts: boolean
  statuses: ObjectStatus[]
}

/** @param trustDomain of the certificates; it is told, not set here. */
export function readMeshSettings(resources: Resources, trustDomain?: string): ReadMeshSettings {
  const found = resources.of('Mesh').get(meshName)
  if (!found) return { refusesUnknownHosts: false, statuses: [] }
  const isStrict = found.value.spec?.outbound?.mode === 'RegistryOnly'
  const calls = isStrict ? 'Calls to unknown hosts are refused.' : 'Calls to unknown hosts go where they were going.'
  const message = trustDomain ? `${calls} The trust domain is ${trustDomain}.` : calls
  return {
    refusesUnknownHosts: isStrict,
    statuses: [
      {
        ref: { kind: 'Mesh', namespace: '', name: meshName },
        parents: [{ conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message }] }],
      },
    ],
  }
}
