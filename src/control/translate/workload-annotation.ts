/** What a Pod of a laptop says about its sidecar by annotations (ARCHITECTURE.md, Pods). */
import type { Pod } from '#/api/core.ts'
import {
  explicitAnnotation,
  identityAnnotation,
  outboundAnnotation,
  type PodPort,
  parseExplicit,
  parsePodPorts,
  portsAnnotation,
  redirectedAnnotation,
} from '#/api/pod-annotations.ts'
import type { WorkloadPort } from '#/model/workload.ts'
import { type HostPort, parseHostPort } from '#/std/host-port.ts'
import type { Finding } from './fault.ts'

export interface SidecarAnnotations {
  /** Absent when the annotation is. */
  ports?: WorkloadPort[]
  outbound?: HostPort
  explicit: Record<string, HostPort>
  isRedirected: boolean
  hasIdentity: boolean
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
  const ports = read(portsAnnotation, parsePodPorts, '[{"port":8080,"application":"HOST:PORT","inbound":"HOST:PORT"}]')
  const outbound = read(outboundAnnotation, parseHostPort, 'HOST:PORT')
  const explicit = read(explicitAnnotation, parseExplicit, '{"SERVICE_HOST:PORT":"HOST:PORT"}') ?? {}
  const isRedirected = annotations[redirectedAnnotation] === 'true'
  return {
    ...(ports ? { ports: ports.map(portOf) } : {}),
    ...(outbound ? { outbound } : {}),
    explicit,
    isRedirected,
    hasIdentity: annotations[identityAnnotation] === 'spiffe',
    findings,
  }
}

function portOf({ protocol, ...port }: PodPort): WorkloadPort {
  return protocol === 'UDP' ? { ...port, transport: 'udp' } : port
}

function unreadable(name: string, shape: string): Finding {
  return {
    code: 'bad-annotation',
    field: `metadata.annotations["${name}"]`,
    message: `The annotation ${name} can't be read and is ignored.`,
    cure: `Write it as ${shape}.`,
  }
}
