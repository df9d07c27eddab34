/** TLS and PROXY headers → envoy.config.core.v3.TransportSocket, on either side. */
import { isIP } from 'node:net'
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import type { Cluster } from '#/model/cluster.ts'
import type { PemSource, ServerTls, TlsCertificate } from '#/model/tls.ts'
import {
  type DataSourceSchema,
  type TransportSocket,
  TransportSocketSchema,
} from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from '#/xds/proto/envoy/config/core/v3/config_source_pb.ts'
import { ProxyProtocolConfig_Version } from '#/xds/proto/envoy/config/core/v3/proxy_protocol_pb.ts'
import { ProxyProtocolUpstreamTransportSchema } from '#/xds/proto/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts'
import { RawBufferSchema } from '#/xds/proto/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import {
  type CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  type TlsCertificateSchema,
  TlsParameters_TlsProtocol,
} from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import type { SdsSecretConfigSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { adsSource, type InitOf, packAny } from './any.ts'

function socket<T extends DescMessage>(name: string, schema: T, message: MessageShape<T>): TransportSocket {
  const value = packAny(schema, message)
  return create(TransportSocketSchema, {
    name: `envoy.transport_sockets.${name}`,
    configType: { case: 'typedConfig', value },
  })
}

/** PEM that stands somewhere, as opposed to a secret that the proxy is given. */
type PemText = Exclude<PemSource, { type: 'secret' }>

function dataSource(source: PemText): InitOf<typeof DataSourceSchema> {
  return source.type === 'file'
    ? { specifier: { case: 'filename', value: source.path } }
    : { specifier: { case: 'inlineString', value: source.pem } }
}

/** Between sidecars nothing older is spoken; an Envoy that calls stops at TLS 1.2 unless it is told. */
const meshParameters = {
  tlsParams: {
    tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
    tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  },
}

/** The cluster that an Envoy's own configuration has for the agent that holds its identity, as Istio's Envoys have it. */
const agentCluster = 'sds-grpc'

/** Keys never leave the machine: an Envoy has its identity from the agent beside it (`weft identity serve`). */
function secretSource(isMesh: boolean | undefined): ConfigSource {
  if (!isMesh) return adsSource()
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: {
      case: 'apiConfigSource',
      value: {
        apiType: ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: agentCluster } } }],
      },
    },
  })
}

/** A secret holds certificate and key together, so that they can't differ. */
function certificateSources(
  all: readonly TlsCertificate[],
  isMesh: boolean | undefined,
): InitOf<typeof CommonTlsContextSchema> {
  const tlsCertificates: InitOf<typeof TlsCertificateSchema>[] = []
  const tlsCertificateSdsSecretConfigs: InitOf<typeof SdsSecretConfigSchema>[] = []
  for (const { chain, privateKey } of all) {
    if (chain.type === 'secret')
      tlsCertificateSdsSecretConfigs.push({ name: chain.name, sdsConfig: secretSource(isMesh) })
    else if (privateKey.type !== 'secret')
      tlsCertificates.push({ certificateChain: dataSource(chain), privateKey: dataSource(privateKey) })
  }
  return { tlsCertificates, tlsCertificateSdsSecretConfigs }
}

function sanType(name: string): SubjectAltNameMatcher_SanType {
  if (name.includes('://')) return SubjectAltNameMatcher_SanType.URI
  return isIP(name) === 0 ? SubjectAltNameMatcher_SanType.DNS : SubjectAltNameMatcher_SanType.IP_ADDRESS
}

interface Trust {
  trustedCa: PemSource
  subjectNames: readonly string[] | undefined
  isMesh: boolean | undefined
}

function validation({ trustedCa, subjectNames = [], isMesh }: Trust): InitOf<typeof CommonTlsContextSchema> {
  const names: InitOf<typeof CertificateValidationContextSchema> = {
    matchTypedSubjectAltNames: subjectNames.map((name) => ({
      sanType: sanType(name),
      matcher: { matchPattern: { case: 'exact' as const, value: name } },
    })),
  }
  if (trustedCa.type !== 'secret') {
    const value = { ...names, trustedCa: dataSource(trustedCa) }
    return { validationContextType: { case: 'validationContext', value } }
  }
  const value = {
    defaultValidationContext: names,
    validationContextSdsSecretConfig: { name: trustedCa.name, sdsConfig: secretSource(isMesh) },
  }
  return { validationContextType: { case: 'combinedValidationContext', value } }
}

/** Without `trustedCa` a client's certificate is asked of nobody; with it one is asked for, and must be good when it is shown. */
export function serverSocket({
  isMesh,
  certificates,
  alpn,
  clientCertificate,
  trustedCa,
  subjectNames,
}: ServerTls): TransportSocket {
  const isAsked = clientCertificate !== 'none' && trustedCa !== undefined
  const message = create(DownstreamTlsContextSchema, {
    commonTlsContext: {
      ...(isMesh ? meshParameters : {}),
      ...certificateSources(certificates, isMesh),
      alpnProtocols: [...alpn],
      ...(isAsked ? validation({ trustedCa, subjectNames, isMesh }) : {}),
    },
    requireClientCertificate: clientCertificate === 'required',
  })
  return socket('tls', DownstreamTlsContextSchema, message)
}

export function tlsToEndpoint(tls: NonNullable<Cluster['tls']>): TransportSocket {
  const { serverName, alpn, certificate: own, trustedCa, subjectNames, isMesh } = tls
  const message = create(UpstreamTlsContextSchema, {
    sni: serverName,
    commonTlsContext: {
      ...(isMesh ? meshParameters : {}),
      ...(own ? certificateSources([own], isMesh) : {}),
      alpnProtocols: [...alpn],
      ...(trustedCa ? validation({ trustedCa, subjectNames, isMesh }) : {}),
    },
  })
  return socket('tls', UpstreamTlsContextSchema, message)
}

/** @returns undefined for plain text. */
export function clientSocket({ tls, proxyProtocol }: Cluster): TransportSocket | undefined {
  const inner = tls ? tlsToEndpoint(tls) : undefined
  if (!proxyProtocol) return inner
  const version = proxyProtocol === 'v1' ? ProxyProtocolConfig_Version.V1 : ProxyProtocolConfig_Version.V2
  const plain = socket('raw_buffer', RawBufferSchema, create(RawBufferSchema))
  const message = create(ProxyProtocolUpstreamTransportSchema, { config: { version }, transportSocket: inner ?? plain })
  return socket('upstream_proxy_protocol', ProxyProtocolUpstreamTransportSchema, message)
}
