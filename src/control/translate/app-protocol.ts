/** What a Service port speaks, from what its owner wrote. */
import type { AppProtocol } from '#/model/service.ts'

/**
 * Words that `appProtocol` and port names may hold. The `kubernetes.io/` ones are Kubernetes' own (KEP-3726); the bare
 * ones are IANA service names and what other meshes read. A server that speaks first (databases) is tcp: waiting for the
 * client's first bytes would hang it.
 */
const words: Readonly<Record<string, AppProtocol>> = {
  http: 'http',
  'grpc-web': 'http',
  http2: 'http2',
  h2c: 'http2',
  'kubernetes.io/h2c': 'http2',
  grpc: 'grpc',
  ws: 'ws',
  'kubernetes.io/ws': 'ws',
  tcp: 'tcp',
  mysql: 'tcp',
  postgres: 'tcp',
  postgresql: 'tcp',
  mongo: 'tcp',
  redis: 'tcp',
  tls: 'tls',
  https: 'tls',
  'kubernetes.io/wss': 'tls',
  udp: 'udp',
}

/**
 * `protocol: UDP` decides alone; then `appProtocol`, then the port's name up to its first `-` (`http-web`), then nothing is
 * known and the first bytes tell. An `appProtocol` that is not known (another vendor's word) counts as absent.
 */
export function appProtocolOf(port: { protocol?: string; appProtocol?: string; name?: string }): AppProtocol {
  if (port.protocol === 'UDP') return 'udp'
  const name = (port.name ?? '').toLowerCase()
  return words[(port.appProtocol ?? '').toLowerCase()] ?? words[name] ?? words[name.split('-', 1)[0] ?? ''] ?? 'auto'
}

/** HTTP in any version may be on it, so that an HTTPRoute can route it. */
export function mayBeHttp(protocol: AppProtocol): boolean {
  return protocol !== 'tcp' && protocol !== 'tls' && protocol !== 'udp'
}
