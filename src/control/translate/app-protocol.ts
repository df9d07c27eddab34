/** What a Service port speaks, from what its owner wrote. */
import type { Cluster } from '#/model/cluster.ts'
import type { ListenerProtocol } from '#/model/listener.ts'
import type { AppProtocol } from '#/model/service.ts'

/**
 * Opaque ones by name: what is known not to be HTTP goes without detection. Many of these speak first (mysql, smtp, ssh, ftp), and waiting for the client's first bytes would cost each connection time.
 */
const opaque = [
  ...['tcp', 'mysql', 'mariadb', 'postgres', 'postgresql', 'mssql', 'oracle', 'mongo', 'mongodb', 'redis', 'memcached'],
  ...['cassandra', 'kafka', 'amqp', 'mqtt', 'nats', 'stomp', 'zookeeper', 'ldap'],
  ...['smtp', 'imap', 'pop3', 'ftp', 'ssh', 'sftp', 'telnet', 'irc'],
] as const

/**
 * Words that `appProtocol` and port names may hold. The `kubernetes.io/` ones are Kubernetes' own (KEP-3726); the bare
 * ones are IANA service names and what other meshes read.
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
  tls: 'tls',
  https: 'tls',
  wss: 'tls',
  'kubernetes.io/wss': 'tls',
  udp: 'udp',
  ...Object.fromEntries(opaque.map((word) => [word, 'tcp'] as const)),
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

/**
 * What the requests for such a port are sent in (docs/decisions/0007-protocols.md). For opaque ports it means nothing: no
 * request goes there.
 */
export function upstreamProtocolOf(protocol: AppProtocol): Cluster['protocol'] {
  if (protocol === 'http2' || protocol === 'grpc') return 'http2'
  return protocol === 'auto' ? 'downstream' : 'http1'
}

/** What a listener before such a port takes (docs/decisions/0007-protocols.md, "What is spoken upstream"). */
export function listenerProtocolOf(protocol: AppProtocol): ListenerProtocol {
  switch (protocol) {
    case 'http':
    case 'http2':
    case 'grpc':
    case 'ws':
      return 'http'
    case 'tcp':
    case 'tls':
    case 'udp':
    case 'auto':
      return protocol
  }
}
