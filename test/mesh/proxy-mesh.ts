/** A control plane in this process over a folder of YAML, sidecars as processes, applications as the test likes them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ControlPlane, startControlPlane } from '#/control/control-plane.ts'
import { formatHostPort, type HostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { freePort } from '../contract/suite.ts'
import { startWeftProxy, type WeftProxy } from '../contract/weft-proxy.ts'

export interface Sidecar {
  process: WeftProxy
  /** Calls of its application. */
  outbound: HostPort
  /** Calls to its application. */
  inbound: HostPort
  /** Resident memory, MiB. */
  residentMb(): number
}

export interface SidecarOptions {
  pod: string
  /** Label `app`, by which Services select. */
  app: string
  /** Where the application listens; none for a mere client. */
  port?: number
  flags?: readonly string[]
  nodeFlags?: readonly string[]
}

const any = { host: '127.0.0.1', port: 0 }

export class ProxyMesh {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-proxy-'))
  readonly #sidecars: Sidecar[] = []
  #control: ControlPlane | undefined
  #xds = any

  static async start(t: TestContext): Promise<ProxyMesh> {
    const mesh = new ProxyMesh()
    mkdirSync(join(mesh.folder, 'mesh'))
    t.after(() => mesh.stop())
    await mesh.startControl()
    return mesh
  }

  async startControl(): Promise<void> {
    const log = new Log({ component: 'control', level: 'error' })
    const directories = [join(this.folder, 'mesh')]
    this.#control = await startControlPlane({ directories, xds: this.#xds, api: any, log })
    this.#xds = this.#control.xds
  }

  /** Where clients of xDS connect. */
  get xds(): HostPort {
    return this.#xds
  }

  /** Of the control plane's HTTP API. */
  get api(): string {
    return `http://${formatHostPort(this.#control!.api)}`
  }

  async stopControl(): Promise<void> {
    await this.#control?.stop()
    this.#control = undefined
  }

  apply(name: string, yaml: string): void {
    writeFileSync(join(this.folder, 'mesh', `${name}.yaml`), yaml)
  }

  remove(name: string): void {
    rmSync(join(this.folder, 'mesh', `${name}.yaml`))
  }

  /** Port 80, by label `app`. */
  applyService(name: string, app = name): void {
    this.apply(`service-${name}`, serviceYaml(name, app))
  }

  async startSidecar({ pod, app, port, flags = [], nodeFlags = [] }: SidecarOptions): Promise<Sidecar> {
    const [inbound, outbound] = [await freePort(), await freePort()]
    this.apply(`pod-${pod}`, podYaml({ pod, app, port, inbound, outbound, isReady: true }))
    const sidecar = await this.restartSidecar({ pod, app, flags, nodeFlags }, { inbound, outbound })
    this.#sidecars.push(sidecar)
    return sidecar
  }

  /** A new process for a pod that is there. */
  async restartSidecar(
    { pod, app, flags = [], nodeFlags = [] }: Pick<SidecarOptions, 'pod' | 'app' | 'flags' | 'nodeFlags'>,
    ports: { inbound: number; outbound: number },
  ): Promise<Sidecar> {
    const proxy = await startWeftProxy({
      nodeId: `${pod}.shop`,
      namespace: 'shop',
      workload: app,
      xds: this.#xds,
      folder: this.folder,
      flags,
      nodeFlags,
    })
    const sidecar: Sidecar = {
      process: proxy,
      outbound: { host: '127.0.0.1', port: ports.outbound },
      inbound: { host: '127.0.0.1', port: ports.inbound },
      residentMb() {
        const status = readFileSync(`/proc/${proxy.child.pid}/status`, 'utf8')
        return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024
      },
    }
    this.#sidecars.push(sidecar)
    return sidecar
  }

  async stop(): Promise<void> {
    for (const { process } of this.#sidecars) await process.stop()
    await this.stopControl()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function serviceYaml(name: string, app: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${app} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`
}

export interface PodOptions {
  pod: string
  app: string
  port: number | undefined
  inbound: number
  outbound: number
  isReady: boolean
}

export function podYaml({ pod, app, port, inbound, outbound, isReady }: PodOptions): string {
  const served =
    port === undefined
      ? []
      : [{ port: 8080, name: 'http', application: `127.0.0.1:${port}`, inbound: `127.0.0.1:${inbound}` }]
  return `
apiVersion: v1
kind: Pod
metadata:
  name: ${pod}
  namespace: shop
  labels: { app: ${app}, version: v1 }
  annotations:
    weft.dev/ports: '${JSON.stringify(served)}'
    weft.dev/outbound: '127.0.0.1:${outbound}'
spec: { containers: [{ name: app, ports: [{ name: http, containerPort: 8080 }] }] }
status: { podIP: 127.0.0.1, conditions: [{ type: Ready, status: '${isReady ? 'True' : 'False'}' }] }
`
}

export function splitYaml(service: string, weights: Readonly<Record<string, number>>): string {
  const backends = Object.entries(weights).map(([name, weight]) => `{ name: ${name}, port: 80, weight: ${weight} }`)
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${service}, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: ${service}, port: 80 }]
  rules: [{ backendRefs: [${backends.join(', ')}] }]
`
}
