/** From policies to what a sidecar is sent, by the product's own stages; and callers with certificates. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServedPorts } from '#/control/publish/served-port.ts'
import { inboundClusters, sidecarListeners } from '#/control/publish/sidecar-listeners.ts'
import { readOnce } from '#/control/source/file-source.ts'
import { translate } from '#/control/translate/translate.ts'
import { newRoot } from '#/identity/ca/signing-authority.ts'
import { newLeaf } from '#/identity/testing/authority.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { WorkloadPort } from '#/model/workload.ts'
import { type Call, callers, idOf, type Outcome, type PolicySet, trustDomain } from './matrix.ts'

const root = newRoot(trustDomain, Date.now())
export const rootPem = root.root.toString()

function pairOf(id: string): { cert: string; key: string } {
  const { key, chain } = newLeaf(root, { id })
  return { cert: chain.join(''), key: key.export({ type: 'pkcs8', format: 'pem' }) as string }
}

const server = pairOf(`spiffe://${trustDomain}/ns/shop/sa/orders`)
const pairs = new Map(
  callers.filter((caller) => caller !== '').map((caller) => [caller as string, pairOf(idOf(caller))]),
)

export interface Places {
  application: number
  inbound: number
}

function objects(set: PolicySet, { application, inbound }: Places): object[] {
  const ports = [{ port: 8080, name: 'http', application: `127.0.0.1:${application}`, inbound: `127.0.0.1:${inbound}` }]
  const selector = { app: 'orders' }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'orders', namespace: 'shop' },
      spec: {
        selector,
        ports: [
          { name: 'http', port: 80, targetPort: 8080 },
          { name: 'metrics', port: 9090 },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'orders-0',
        namespace: 'shop',
        labels: selector,
        annotations: { 'weft.dev/ports': JSON.stringify(ports) },
      },
      spec: {
        serviceAccountName: 'orders',
        containers: [{ name: 'app', ports: [{ containerPort: 8080, name: 'http' }] }],
      },
      status: { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'admin', namespace: 'shop' },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'orders', port: 80 }],
        rules: [
          { matches: [{ path: { type: 'PathPrefix', value: '/admin' } }], backendRefs: [{ name: 'orders', port: 80 }] },
        ],
      },
    },
    ...set.specs.map((spec, index) => ({
      apiVersion: 'weft.dev/v1alpha1',
      kind: 'AccessPolicy',
      metadata: { name: `policy-${index}`, namespace: 'shop' },
      spec,
    })),
  ]
}

export interface SidecarConfiguration {
  listener: Listener
  clusters: Cluster[]
  port: WorkloadPort
}

/** Its listener ends TLS with a certificate of its own, so that Envoy needs nobody to hand it one. */
export function configurationOf(set: PolicySet, places: Places): SidecarConfiguration {
  const folder = mkdtempSync(join(tmpdir(), 'weft-matrix-'))
  try {
    writeFileSync(
      join(folder, 'all.yaml'),
      objects(set, places)
        .map((one) => JSON.stringify(one))
        .join('\n---\n'),
    )
    const { resources, faults } = readOnce([folder])
    const { mesh, faults: more } = translate(resources, { trustDomain })
    const wrong = [...faults, ...more].filter(
      ({ severity, object }) => severity === 'error' && object.startsWith('Access'),
    )
    if (wrong.length > 0) throw new Error(`${set.name}: ${JSON.stringify(wrong)}`)
    const workload = mesh.workloads.get('orders-0.shop')!
    const served = new ServedPorts(mesh)
    const [inbound] = sidecarListeners(workload, { mesh, served, isOurs: true })
    const pem = (text: string) => ({ type: 'inline', pem: text }) as const
    const listener: Listener = {
      ...inbound!,
      tls: {
        certificates: [{ chain: pem(server.cert), privateKey: pem(server.key) }],
        alpn: ['http/1.1'],
        clientCertificate: 'optional',
        trustedCa: pem(rootPem),
      },
    }
    return { listener, clusters: inboundClusters(workload, served), port: workload.ports[0]! }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What comes of a call: by its status alone. */
export function send(port: number, { caller, method, path, headers }: Call): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const list: Record<string, string[]> = {}
    for (let at = 0; at < headers.length; at += 2) (list[headers[at]!] ??= []).push(headers[at + 1]!)
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { ...list, host: 'Orders.shop.:80' },
      ca: rootPem,
      checkServerIdentity: () => undefined,
      agent: false,
      ...pairs.get(caller),
    })
    asked.on('error', reject)
    asked.on('response', (answer) => {
      answer.resume()
      answer.on('error', reject)
      const { statusCode = 0 } = answer
      answer.on('end', () => {
        if (statusCode === 200) resolve('allowed')
        else if (statusCode === 403) resolve('denied')
        else if (statusCode === 400) resolve('refused')
        else reject(new Error(`${method} ${path} was answered ${statusCode}`))
      })
    })
    asked.end()
  })
}

export function nameOf({ caller, method, path, headers }: Call): string {
  return `${caller || 'nobody'} ${method} ${path} ${headers.join(' ')}`.trimEnd()
}
