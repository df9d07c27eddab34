/** The mesh's own trust domain, by which accounts are named without it. */
import type { AuthorityReport } from '#/control/identity/identity-plane.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import { CommandError } from '../command.ts'
import type { ControlClient } from '../control-client.ts'

/** Where the control plane is no authority, that of most callers. */
export async function trustDomainOf(client: ControlClient, { edges }: MeshTraffic): Promise<string> {
  try {
    return (await client.get<AuthorityReport>('/api/v1/authority')).trustDomain
  } catch (error) {
    if (!(error instanceof CommandError && error.code === 1)) throw error
    const domains = Map.groupBy(edges, ({ principal }) => /^spiffe:\/\/([^/]+)/.exec(principal)?.[1] ?? '')
    domains.delete('')
    return [...domains].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? 'cluster.local'
  }
}
