/** What a laptop tells about a Pod by annotations (ARCHITECTURE.md, Pods): their names, and how they are written. */
import { formatHostPort, type HostPort } from '#/std/host-port.ts'

export const portsAnnotation = 'weft.dev/ports'
export const outboundAnnotation = 'weft.dev/outbound'
export const explicitAnnotation = 'weft.dev/explicit'
export const redirectedAnnotation = 'weft.dev/redirected'
/** `HOST:PORT` of the sidecar's admin endpoint. */
export const adminAnnotation = 'weft.dev/admin'

export interface PodAddresses {
  ports: readonly { port: number; name: string; application: HostPort; inbound: HostPort }[]
  /** Absent where the kernel redirects calls. */
  outbound?: HostPort
  admin: HostPort
  /** Listeners of Service ports, by destination. */
  explicit: ReadonlyMap<string, HostPort>
  /** In a network namespace of its own, with ports as in a cluster. */
  isRedirected: boolean
}

export function formatPodAnnotations(addresses: PodAddresses): Record<string, string> {
  const { ports, outbound, admin, explicit, isRedirected } = addresses
  const annotations: Record<string, string> = { [adminAnnotation]: formatHostPort(admin) }
  if (isRedirected) return { ...annotations, [redirectedAnnotation]: 'true' }
  annotations[portsAnnotation] = JSON.stringify(
    ports.map(({ port, name, application, inbound }) => ({
      port,
      ...(name ? { name } : {}),
      application: formatHostPort(application),
      inbound: formatHostPort(inbound),
    })),
  )
  if (outbound) annotations[outboundAnnotation] = formatHostPort(outbound)
  if (explicit.size > 0) {
    const entries = [...explicit].map(([destination, address]) => [destination, formatHostPort(address)])
    annotations[explicitAnnotation] = JSON.stringify(Object.fromEntries(entries))
  }
  return annotations
}
