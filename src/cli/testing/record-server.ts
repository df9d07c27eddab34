/** A control plane's API for tests of commands that look back, with what a test puts into it. */
import type { TestContext } from 'node:test'
import { startApiServer } from '#/control/api/api-server.ts'
import type { Records, WrittenPolicy } from '#/control/api/record-pages.ts'
import type { AuditEntry } from '#/control/audit/audit-entry.ts'
import type { Mesh } from '#/model/mesh.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'

export interface ServedRecords {
  traffic: MeshTraffic
  workloads: Workload[]
  policies: WrittenPolicy[]
  entries: AuditEntry[]
}

/** @returns its URL. It ends with the test. */
export async function serveRecords(t: TestContext, served: ServedRecords): Promise<string> {
  const records: Records = {
    traffic: async (fromMs) => ({ ...served.traffic, fromMs }),
    policies: () => served.policies,
    audit: async ({ fromMs, max }) =>
      served.entries
        .filter(({ at }) => Date.parse(at) >= fromMs)
        .reverse()
        .slice(0, max),
  }
  const { workloads } = served
  const mesh = { services: new Map(), workloads: new Map(workloads.map((one) => [one.pod, one])) } as unknown as Mesh
  const server = await startApiServer({
    address: { host: '127.0.0.1', port: 0 },
    state: {
      proxies: () => [],
      statuses: () => [],
      faults: () => [],
      mesh: () => mesh,
      isReady: () => true,
      metrics: () => '',
      records,
    },
  })
  t.after(() => server.stop())
  return `http://127.0.0.1:${server.address.port}`
}
