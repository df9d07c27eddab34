/** Two sidecars as processes before one application: one with tight limits, one with those that it has by default. */
import type { TestContext } from 'node:test'
import { ProxyMesh, type Sidecar } from '../mesh/proxy-mesh.ts'
import { type RawApplication, startRawApplication } from './raw-application.ts'
import { RawClient } from './raw-client.ts'

export interface HostileProxy {
  /** Where clients of the network come in. */
  port: number
  sidecar: Sidecar
  /** Requests refused for that code so far. */
  count(code: string): Promise<number>
  /** The text of /metrics. */
  metrics(): Promise<string>
}

export interface Hostile {
  tight: HostileProxy
  wide: HostileProxy
  application: RawApplication
}

function hostileProxy(sidecar: Sidecar): HostileProxy {
  const metrics = async (): Promise<string> => (await fetch(`${sidecar.process.admin}/metrics`)).text()
  return {
    port: sidecar.inbound.port,
    sidecar,
    metrics,
    async count(code) {
      const pattern = new RegExp(`^weft_proxy_malformed_requests_total\\{[^}]*code="${code}"[^}]*\\} (\\d+)`, 'm')
      return Number(pattern.exec(await metrics())?.[1] ?? 0)
    },
  }
}

/** @param flags of the tight one. */
export async function startHostile(t: TestContext, flags: readonly string[] = []): Promise<Hostile> {
  const application = await startRawApplication()
  t.after(() => application.close())
  const mesh = await ProxyMesh.start(t)
  mesh.applyService('echo')
  const { port } = application
  const tight = await mesh.startSidecar({ pod: 'echo-0', app: 'echo', port, flags })
  const wide = await mesh.startSidecar({ pod: 'echo-1', app: 'echo', port })
  return { tight: hostileProxy(tight), wide: hostileProxy(wide), application }
}

/** A connection of its own that asks as it should. */
export async function expectService(proxy: HostileProxy): Promise<void> {
  const client = await RawClient.open(proxy.port)
  client.write('GET /after HTTP/1.1\r\nhost: echo.shop\r\n\r\n')
  const outcome = await client.outcome()
  client.destroy()
  if (outcome !== '200') throw new Error(`the next connection gets ${outcome}`)
}

/** The counter of a code rises above what it was. */
export async function expectCount(proxy: HostileProxy, code: string, before: number): Promise<void> {
  await eventually(async () => (await proxy.count(code)) > before, `${code} is counted beyond ${before}`)
}

/** A request of a client from outside the mesh ended with these response flags. */
export async function expectFlags(proxy: HostileProxy, flags: string): Promise<void> {
  const pattern = new RegExp(`^istio_requests_total\\{[^}]*response_flags="${flags}"`, 'm')
  await eventually(async () => pattern.test(await proxy.metrics()), `a request with the flags ${flags}`)
}

async function eventually(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + 3000
  while (!(await isTrue())) if (performance.now() > endMs) throw new Error(`not in 3 s: ${what}`)
}
