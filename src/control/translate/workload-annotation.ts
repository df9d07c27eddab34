/** What a Pod of a laptop says about its sidecar by annotations (ARCHITECTURE.md, Pods). */
import type { Pod } from '#/api/core.ts'
import { explicitAnnotation, outboundAnnotation, portsAnnotation, redirectedAnnotation } from '#/api/pod-annotations.ts'
import type { WorkloadPort } from '#/model/workload.ts'
import { type HostPort, parseHostPort } from '#/std/host-port.ts'
import type { Finding } from './fault.ts'

export interface SidecarAnnotations {
  /** Absent when the annotation is. */
  ports?: WorkloadPort[]
  outbound?: HostPort
  explicit: Record<string, HostPort>
  isRedirected: boolean
  /** One for each annotation that can't be read; it counts as absent. */
  findings: Finding[]
}

export function readSidecarAnnotations(pod: Pod): SidecarAnnotations {
  const annotations = pod.metadata.annotations ?? {}
  const findings: Finding[] = []
  const read = <T>(name: string, parse: (text: string) => T | undefined, shape: string): T | undefined => {
    const text = annotations[name]
    const value = text === undefined ? undefined : parse(text)
    if (text !== undefined && value === undefined) findings.push(unreadable(name, shape))
    return value
  }
  const ports = read(portsAnnotation, parsePorts, '[{"port":8080,"application":"HOST:PORT","inbound":"HOST:PORT"}]')
  const outbound = read(outboundAnnotation, parseHostPort, 'HOST:PORT')
  const explicit = read(explicitAnnotation, parseExplicit, '{"SERVICE_HOST:PORT":"HOST:PORT"}') ?? {}
  const isRedirected = annotations[redirectedAnnotation] === 'true'
  return { ...(ports ? { ports } : {}), ...(outbound ? { outbound } : {}), explicit, isRedirected, findings }
}

function parsePorts(text: string): WorkloadPort[] | undefined {
  const list = parseJson(text)
  if (!Array.isArray(list)) return undefined
  const ports = list.map(parsePort)
  return ports.every((port) => port !== undefined) ? ports : undefined
}

function parsePort(item: unknown): WorkloadPort | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const { port, name = '', application, inbound } = item as Record<string, unknown>
  if (typeof port !== 'number' || typeof name !== 'string') return undefined
  if (typeof application !== 'string' || typeof inbound !== 'string') return undefined
  const behind = parseHostPort(application)
  const before = parseHostPort(inbound)
  return behind && before ? { port, name, application: behind, inbound: before } : undefined
}

function parseExplicit(text: string): Record<string, HostPort> | undefined {
  const map = parseJson(text)
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return undefined
  const explicit: Record<string, HostPort> = {}
  for (const [destination, value] of Object.entries(map)) {
    const address = typeof value === 'string' ? parseHostPort(value) : undefined
    if (!address) return undefined
    explicit[destination] = address
  }
  return explicit
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

function unreadable(name: string, shape: string): Finding {
  return {
    code: 'bad-annotation',
    field: `metadata.annotations["${name}"]`,
    message: `The annotation ${name} can't be read and is ignored.`,
    cure: `Write it as ${shape}.`,
  }
}
