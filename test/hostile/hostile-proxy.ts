/** Two sidecars as processes before one application: one with tight limits, one with those that it has by default. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ProxyMesh, type Sidecar } from '../mesh/proxy-mesh.ts'
import { type RawApplication, startRawApplication } from './raw-application.ts'
import { RawClient } from './raw-client.ts'

export interface HostileProxy {
  /** Where clients of the network come in. */
  port: number
  sidecar: Sidecar
  /** Requests refused for that code so far; with `idle` connections closed for want of one. */
  count(code: string): Promise<number>
  /** What its process has written. */
  log(): string
  /** The text of /metrics. */
  metrics(): Promise<string>
}

export interface Hostile {
  tight: HostileProxy
  wide: HostileProxy
  application: RawApplication
}

function hostileProxy(sidecar: Sidecar, logFile: string): HostileProxy {
  const metrics = async (): Promise<string> => (await fetch(`${sidecar.process.admin}/metrics`)).text()
  return {
    port: sidecar.inbound.port,
    sidecar,
    metrics,
    log: () => readFileSync(logFile, 'utf8'),
    async count(code) {
      const pattern =
        code === 'idle'
          ? /^weft_proxy_idle_connections_closed_total\{[^}]*\} (\d+)/m
          : new RegExp(`^weft_proxy_malformed_requests_total\\{[^}]*code="${code}"[^}]*\\} (\\d+)`, 'm')
      return Number(pattern.exec(await metrics())?.[1] ?? 0)
    },
  }
}

/** @param flags of the tight one. @param nodeFlags of both. */
export async function startHostile(
  t: TestContext,
  flags: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): Promise<Hostile> {
  const application = await startRawApplication()
  t.after(() => application.close())
  const mesh = await ProxyMesh.start(t)
  mesh.applyService('echo')
  const { port } = application
  const start = async (pod: string, its: readonly string[]): Promise<HostileProxy> => {
    const sidecar = await mesh.startSidecar({ pod, app: 'echo', port, flags: its, nodeFlags })
    return hostileProxy(sidecar, join(mesh.folder, `${pod}.shop`, 'proxy.log'))
  }
  return { tight: await start('echo-0', flags), wide: await start('echo-1', []), application }
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
