/** What stands outside the mesh in tests: TLS servers, and the objects that say so. */
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import type { TestAuthority } from '#/proxy/testing/certificate.ts'

export interface TlsServer {
  port: number
  /** Server names that were asked for. */
  names: (string | false | null)[]
}

/** Answers each request with its host, over TLS 1.2 or above. */
export async function startTlsServer(t: TestContext, authority: TestAuthority, name: string): Promise<TlsServer> {
  const { chain: cert, key } = authority.issue([name])
  const names: TlsServer['names'] = []
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (socket) => {
    names.push(socket.servername)
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      const host = /^host: (.*)$/im.exec(bytes.toString())?.[1] ?? ''
      const body = `${name} asked for ${host.trim()}`
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, names }
}

export function configMap(name: string, pem: string): string {
  const lines = pem.trim().split('\n')
  return `
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: shop }
data:
  ca.crt: |
${lines.map((line) => `    ${line}`).join('\n')}
`
}

export interface Outside {
  name?: string
  host: string
  namespace?: string
  port: string
  target: number
}

/** At localhost, which DNS has to tell. */
export function outside({ name = 'bank', host, namespace = 'shop', port, target }: Outside): string {
  return `
apiVersion: weft.dev/v1alpha1
kind: ExternalService
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  hosts: ['${host}']
  ports: [{ ${port} }]
  endpoints: [{ address: localhost, port: ${target} }]
`
}

export const registryOnly = `
apiVersion: weft.dev/v1alpha1
kind: Mesh
metadata: { name: default }
spec: { outbound: { mode: RegistryOnly } }
`

/** Each call goes to its own host. Names that are the same on every machine are addresses alone, so that they are the wildcard's. */
export function anyHost(port: number, more = ''): string {
  return `
apiVersion: weft.dev/v1alpha1
kind: ExternalService
metadata: { name: any-host, namespace: shop }
spec:
  hosts: ['*.0.0.1']
  ports: [{ port: ${port}, protocol: HTTP${more} }]
`
}
