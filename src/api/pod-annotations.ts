/** What a laptop tells about a Pod by annotations (ARCHITECTURE.md, Pods): their names, and how they are written. */
import { formatHostPort, type HostPort, parseHostPort } from '#/std/host-port.ts'

export const portsAnnotation = 'weft.dev/ports'
export const outboundAnnotation = 'weft.dev/outbound'
export const explicitAnnotation = 'weft.dev/explicit'
export const redirectedAnnotation = 'weft.dev/redirected'
/** `HOST:PORT` of the sidecar's admin endpoint. */
export const adminAnnotation = 'weft.dev/admin'

/** `spiffe`: the sidecar has a certificate of the mesh, so that others may speak mutual TLS to it. */
export const identityAnnotation = 'weft.dev/identity'

/** A port of the workload as its container declares it, with both its addresses on this machine. */
export interface PodPort {
  port: number
  /** Empty when it has none. */
  name: string
  protocol: 'TCP' | 'UDP'
  application: HostPort
  /** The sidecar's, in front of the application. */
  inbound: HostPort
}

export interface PodAddresses {
  ports: readonly PodPort[]
  /** Absent where the kernel redirects calls. */
  outbound?: HostPort
  admin: HostPort
  /** Listeners of Service ports, by destination. */
  explicit: ReadonlyMap<string, HostPort>
  /** In a network namespace of its own, with ports as in a cluster. */
  isRedirected: boolean
  hasIdentity: boolean
}

export function formatPodAnnotations(addresses: PodAddresses): Record<string, string> {
  const { ports, outbound, admin, explicit, isRedirected, hasIdentity } = addresses
  const annotations: Record<string, string> = { [adminAnnotation]: formatHostPort(admin) }
  if (hasIdentity) annotations[identityAnnotation] = 'spiffe'
  if (isRedirected) return { ...annotations, [redirectedAnnotation]: 'true' }
  annotations[portsAnnotation] = JSON.stringify(
    ports.map(({ port, name, protocol, application, inbound }) => ({
      port,
      ...(name ? { name } : {}),
      ...(protocol === 'UDP' ? { protocol } : {}),
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

/** The value of `weft.dev/ports`. @returns undefined when it can't be read. */
export function parsePodPorts(text: string): PodPort[] | undefined {
  const list = parseJson(text)
  if (!Array.isArray(list)) return undefined
  const ports = list.map(parsePodPort)
  return ports.every((port) => port !== undefined) ? ports : undefined
}

function parsePodPort(item: unknown): PodPort | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const { port, name = '', protocol = 'TCP', application, inbound } = item as Record<string, unknown>
  if (typeof port !== 'number' || typeof name !== 'string') return undefined
  if (protocol !== 'TCP' && protocol !== 'UDP') return undefined
  if (typeof application !== 'string' || typeof inbound !== 'string') return undefined
  const behind = parseHostPort(application)
  const before = parseHostPort(inbound)
  return behind && before ? { port, name, protocol, application: behind, inbound: before } : undefined
}

/** The value of `weft.dev/explicit`, by destination. @returns undefined when it can't be read. */
export function parseExplicit(text: string): Record<string, HostPort> | undefined {
  const map = parseJson(text)
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return undefined
  const entries: [string, HostPort][] = []
  for (const [destination, value] of Object.entries(map)) {
    const address = typeof value === 'string' ? parseHostPort(value) : undefined
    if (!address) return undefined
    entries.push([destination, address])
  }
  return Object.fromEntries(entries)
}

/** @returns undefined when the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
