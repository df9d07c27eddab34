import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { PemSource } from '#/model/tls.ts'
import { type Cluster as ClusterMessage, ClusterSchema } from '#/xds/proto/envoy/config/cluster/v3/cluster_pb.ts'
import { type Listener as ListenerMessage, ListenerSchema } from '#/xds/proto/envoy/config/listener/v3/listener_pb.ts'
import { ProxyProtocolSchema } from '#/xds/proto/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { TlsParametersSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import {
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { decoders } from './decode/decoders.ts'
import { packAny } from './encode/any.ts'
import { encodeCluster } from './encode/cluster.ts'
import { encodeListener } from './encode/listener.ts'

const file = (path: string): PemSource => ({ type: 'file', path })
const inline = (pem: string): PemSource => ({ type: 'inline', pem })
const secret = (name: string): PemSource => ({ type: 'secret', name })
const certificate = { chain: file('tls.crt'), privateKey: file('tls.key') }

const listener = (more: Partial<Listener>): Listener => ({
  name: 'l',
  address: { host: '127.0.0.1', port: 443 },
  direction: 'inbound',
  target: { type: 'routes', routes: { type: 'rds', name: 'r' } },
  isRedirected: false,
  isLazy: false,
  ...more,
})

const cluster = (more: Partial<Cluster>): Cluster => ({
  name: 'c',
  discovery: { type: 'eds', serviceName: 'c' },
  loadBalancing: 'round-robin',
  connectTimeoutMs: 1000,
  protocol: 'http1',
  ...more,
})

const listeners: Record<string, Listener> = {
  'TLS that asks for nobody': listener({
    tls: { certificates: [certificate], alpn: ['h2', 'http/1.1'], clientCertificate: 'none' },
  }),
  'several certificates, clients that may show one': listener({
    tls: {
      certificates: [certificate, { chain: inline('chain'), privateKey: inline('key') }],
      alpn: [],
      clientCertificate: 'optional',
      trustedCa: inline('ca'),
    },
  }),
  'clients that must show one of these names': listener({
    tls: {
      certificates: [certificate],
      alpn: ['h2'],
      clientCertificate: 'required',
      trustedCa: file('ca.crt'),
      subjectNames: ['spiffe://td/ns/a/sa/b', 'client.example', '10.0.0.1'],
    },
  }),
  'its own identity, and the roots of the mesh': listener({
    tls: {
      certificates: [{ chain: secret('default'), privateKey: secret('default') }],
      alpn: ['h2'],
      clientCertificate: 'required',
      trustedCa: secret('ROOTCA'),
      subjectNames: ['spiffe://td/ns/a/sa/b'],
    },
  }),
  'TLS before streams and requests alike': listener({
    protocol: 'auto',
    tls: { certificates: [certificate], alpn: [], clientCertificate: 'none' },
    streams: [{ name: 's', serverNames: [], port: 1, backends: [{ type: 'cluster', cluster: 'c', weight: 1 }] }],
  }),
  'a PROXY header, then TLS': listener({
    acceptsProxyProtocol: true,
    tls: { certificates: [certificate], alpn: [], clientCertificate: 'none' },
  }),
}

const clusters: Record<string, Cluster> = {
  'TLS that trusts everyone': cluster({ tls: { serverName: '', alpn: [] } }),
  'TLS with a name, a certificate, a CA and names': cluster({
    protocol: 'http2',
    tls: {
      serverName: 'a.example',
      alpn: ['h2'],
      certificate,
      trustedCa: file('ca.crt'),
      subjectNames: ['spiffe://td/ns/a/sa/b'],
    },
  }),
  'ALPN decides': cluster({ tls: { serverName: 'a.example', alpn: ['h2', 'http/1.1'], trustedCa: inline('ca') } }),
  'its own identity, and the roots of the mesh': cluster({
    tls: {
      serverName: '',
      alpn: ['h2'],
      certificate: { chain: secret('default'), privateKey: secret('default') },
      trustedCa: secret('ROOTCA'),
    },
  }),
  'a PROXY header of version 1': cluster({ proxyProtocol: 'v1' }),
  'a PROXY header of version 2, then TLS': cluster({
    proxyProtocol: 'v2',
    tls: { serverName: 'a.example', alpn: ['http/1.1'], trustedCa: file('ca.crt') },
  }),
}

for (const [claim, value] of Object.entries(listeners))
  test(`listener: what is decoded is what was encoded: ${claim}`, () =>
    assert.deepEqual(decoders.listener(encodeListener(value)), { ok: true, value }))

for (const [claim, value] of Object.entries(clusters))
  test(`cluster: what is decoded is what was encoded: ${claim}`, () =>
    assert.deepEqual(decoders.cluster(encodeCluster(value)), { ok: true, value }))

/** What a decoder says to a listener that was changed after it was encoded. */
function faultsOfListener(change: (message: ListenerMessage) => void, value = listeners['TLS that asks for nobody']!) {
  const message = fromBinary(ListenerSchema, encodeListener(value))
  change(message)
  const decoded = decoders.listener(toBinary(ListenerSchema, message))
  return decoded.ok ? [] : decoded.faults
}

function serverContext(change: (context: DownstreamTlsContext) => void): (message: ListenerMessage) => void {
  return (message) => {
    const socket = message.filterChains[0]!.transportSocket!
    const typed = socket.configType.value!
    const context = fromBinary(DownstreamTlsContextSchema, typed.value)
    change(context)
    socket.configType = { case: 'typedConfig', value: packAny(DownstreamTlsContextSchema, context) }
  }
}

function faultsOfCluster(change: (message: ClusterMessage, context: UpstreamTlsContext) => void) {
  const message = fromBinary(ClusterSchema, encodeCluster(clusters['TLS with a name, a certificate, a CA and names']!))
  const socket = message.transportSocket!
  const context = fromBinary(UpstreamTlsContextSchema, socket.configType.value!.value)
  change(message, context)
  socket.configType = { case: 'typedConfig', value: packAny(UpstreamTlsContextSchema, context) }
  const decoded = decoders.cluster(toBinary(ClusterSchema, message))
  return decoded.ok ? [] : decoded.faults
}

const chain = 'filter_chains[0].transport_socket.typed_config'

const refusals: Record<string, [faults: string[], expected: RegExp]> = {
  'no certificate': [
    faultsOfListener(serverContext(({ commonTlsContext }) => void (commonTlsContext!.tlsCertificates = []))),
    /^filter_chains\[0\]\.transport_socket\.typed_config\.common_tls_context: has no certificate/,
  ],
  'a certificate without its key': [
    faultsOfListener(
      serverContext(({ commonTlsContext }) =>
        Reflect.deleteProperty(commonTlsContext!.tlsCertificates[0]!, 'privateKey'),
      ),
    ),
    /tls_certificates\[0\]\.private_key: is missing/,
  ],
  'a client certificate that is required and trusted by nobody': [
    faultsOfListener(serverContext((context) => void (context.requireClientCertificate = true))),
    /require_client_certificate: needs a validation_context with trusted_ca/,
  ],
  'parameters of TLS that we do not set': [
    faultsOfListener(
      serverContext((context) => {
        context.commonTlsContext!.tlsParams = create(TlsParametersSchema, { cipherSuites: ['RC4-SHA'] })
      }),
    ),
    /common_tls_context\.tls_params: unsupported by this proxy/,
  ],
  'a transport socket that nobody knows': [
    faultsOfListener((message) => {
      const socket = message.filterChains[0]!.transportSocket!
      socket.name = 'quic'
      socket.configType = { case: 'typedConfig', value: packAny(ProxyProtocolSchema, create(ProxyProtocolSchema)) }
    }),
    /transport_socket\.typed_config: transport socket envoy\.extensions\.filters\.listener\.proxy_protocol\.v3\.ProxyProtocol is unsupported/,
  ],
  'chains that differ': [
    faultsOfListener((message) => {
      Reflect.deleteProperty(message.filterChains[1]!, 'transportSocket')
    }, listeners['TLS before streams and requests alike']!),
    /^filter_chains: transport_socket differs/,
  ],
  'a PROXY header that may be left out': [
    faultsOfListener((message) => {
      const filter = message.listenerFilters[0]!
      const config = create(ProxyProtocolSchema, { allowRequestsWithoutProxyProtocol: true })
      filter.configType = { case: 'typedConfig', value: packAny(ProxyProtocolSchema, config) }
    }, listeners['a PROXY header, then TLS']!),
    /allow_requests_without_proxy_protocol: is unsupported by this proxy/,
  ],
  'names that are matched otherwise than exactly': [
    faultsOfCluster((_message, { commonTlsContext }) => {
      const { validationContextType } = commonTlsContext!
      if (validationContextType.case !== 'validationContext') throw new Error('no validation context')
      validationContextType.value.matchTypedSubjectAltNames[0]!.matcher!.matchPattern = {
        case: 'prefix',
        value: 'spiffe:',
      }
    }),
    /match_typed_subject_alt_names\[0\]\.matcher: only exact names are supported/,
  ],
  'two certificates of a client': [
    faultsOfCluster((_message, { commonTlsContext }) => {
      commonTlsContext!.tlsCertificates.push(commonTlsContext!.tlsCertificates[0]!)
    }),
    /common_tls_context: has several certificates/,
  ],
}

for (const [claim, [faults, expected]] of Object.entries(refusals))
  test(`refuses ${claim}, by the field`, () => assert.match(faults.join('\n'), new RegExp(expected.source, 'm')))

test('no fault tells a key', () => {
  const secret = 'PRIVATE KEY of nobody else'
  const value = listener({
    tls: {
      certificates: [{ chain: inline('chain'), privateKey: inline(secret) }],
      alpn: [],
      clientCertificate: 'none',
    },
  })
  const change = serverContext((context) => void (context.requireClientCertificate = true))
  const faults = faultsOfListener(change, value)
  assert.ok(faults.length > 0 && faults.every((fault) => fault.startsWith(chain) && !fault.includes(secret)))
})
