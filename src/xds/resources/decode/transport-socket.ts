/** envoy.config.core.v3.TransportSocket → TLS and PROXY headers, on either side. */
import type { Cluster } from '#/model/cluster.ts'
import type { ClientTls, PemSource, ServerTls, TlsCertificate } from '#/model/tls.ts'
import type { AnyContent, FieldReader } from './field-reader.ts'

const tls = 'envoy.extensions.transport_sockets.tls.v3'
const serverType = `${tls}.DownstreamTlsContext`
const clientType = `${tls}.UpstreamTlsContext`
const proxyHeaderType = 'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport'
const plainType = 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'

/** @returns undefined for plain text, which is no socket at all, or the one that does nothing. */
function openSocket(socket: FieldReader): AnyContent | undefined {
  const name = socket.string('name')
  if (name === 'envoy.transport_sockets.raw_buffer') {
    socket.skip()
    return undefined
  }
  const typed = socket.any('typed_config')
  if (!typed) socket.fault('name', `transport socket ${name} has no typed_config`)
  return typed?.typeName === plainType ? undefined : typed
}

function refuse(socket: FieldReader, { typeName }: AnyContent): undefined {
  socket.fault('typed_config', `transport socket ${typeName} is unsupported by this proxy`)
}

function readPem(holder: FieldReader, name: string): PemSource | undefined {
  const source = holder.message(name)
  if (!source) return undefined
  const path = source.string('filename')
  if (path !== '') return { type: 'file', path }
  const pem = source.string('inline_string') || source.text('inline_bytes')
  if (pem === '') source.fault('', 'is empty; filename, inline_string and inline_bytes are supported by this proxy')
  return { type: 'inline', pem }
}

function readCertificate(reader: FieldReader): TlsCertificate | undefined {
  const chain = readPem(reader, 'certificate_chain')
  const privateKey = readPem(reader, 'private_key')
  // How Envoy is told of changes; this proxy looks at the files themselves.
  reader.ignore('watched_directory')
  if (chain && privateKey) return { chain, privateKey }
  reader.fault(chain ? 'private_key' : 'certificate_chain', 'is missing')
  return undefined
}

function readCertificates(common: FieldReader | undefined): TlsCertificate[] {
  const all = common?.messages('tls_certificates') ?? []
  const secrets = (common?.messages('tls_certificate_sds_secret_configs') ?? []).map((config) => {
    const secret = readSecret(config)
    return { chain: secret, privateKey: secret }
  })
  return [...all.map(readCertificate).filter((certificate) => certificate !== undefined), ...secrets]
}

/** Where it comes from is this proxy's own affair: it knows a few secrets by name. */
function readSecret(config: FieldReader): PemSource {
  const name = config.string('name')
  config.message('sds_config')?.skip()
  if (name === '') config.fault('name', 'is missing')
  return { type: 'secret', name }
}

function readSubjectNames(context: FieldReader): string[] {
  return context.messages('match_typed_subject_alt_names').map((matcher) => {
    matcher.enumeration('san_type', 'SAN_TYPE_UNSPECIFIED')
    const text = matcher.message('matcher')
    const exact = text?.string('exact') ?? ''
    if (exact === '') matcher.fault('matcher', 'only exact names are supported by this proxy')
    return exact
  })
}

interface Trust {
  trustedCa?: PemSource
  subjectNames?: readonly string[]
}

function readTrust(common: FieldReader | undefined): Trust {
  const combined = common?.message('combined_validation_context')
  if (combined) return readCombined(combined)
  const context = common?.message('validation_context')
  if (!context) return {}
  context.ignore('watched_directory')
  const trustedCa = readPem(context, 'trusted_ca')
  const subjectNames = readSubjectNames(context)
  if (!trustedCa) context.fault('trusted_ca', 'is missing')
  return { ...(trustedCa ? { trustedCa } : {}), ...(subjectNames.length > 0 ? { subjectNames } : {}) }
}

/** Roots by a secret, names by the context. */
function readCombined(combined: FieldReader): Trust {
  const context = combined.message('default_validation_context')
  const secret = combined.message('validation_context_sds_secret_config')
  const subjectNames = context ? readSubjectNames(context) : []
  if (!secret) combined.fault('validation_context_sds_secret_config', 'is missing')
  return {
    ...(secret ? { trustedCa: readSecret(secret) } : {}),
    ...(subjectNames.length > 0 ? { subjectNames } : {}),
  }
}

/** Of a filter chain. @returns undefined for plain text. */
export function readServerSocket(socket: FieldReader | undefined): ServerTls | undefined {
  const typed = socket && openSocket(socket)
  if (!typed) return undefined
  if (typed.typeName !== serverType) return refuse(socket, typed)
  const context = typed.open(serverType)
  const common = context.message('common_tls_context')
  const certificates = readCertificates(common)
  const trust = readTrust(common)
  const isRequired = context.wrappedBoolean('require_client_certificate') ?? false
  if (certificates.length === 0) context.fault('common_tls_context', 'has no certificate that this proxy could show')
  if (isRequired && !trust.trustedCa)
    context.fault('require_client_certificate', 'needs a validation_context with trusted_ca')
  return {
    certificates,
    alpn: common?.strings('alpn_protocols') ?? [],
    clientCertificate: isRequired ? 'required' : trust.trustedCa ? 'optional' : 'none',
    ...trust,
  }
}

function readClientTls(context: FieldReader): ClientTls {
  const common = context.message('common_tls_context')
  const [certificate, ...others] = readCertificates(common)
  if (others.length > 0) context.fault('common_tls_context', 'has several certificates; a client shows one')
  return {
    serverName: context.string('sni'),
    alpn: common?.strings('alpn_protocols') ?? [],
    ...(certificate ? { certificate } : {}),
    ...readTrust(common),
  }
}

/** Of a cluster. */
export function readClientSocket(socket: FieldReader | undefined): Pick<Cluster, 'tls' | 'proxyProtocol'> {
  const typed = socket && openSocket(socket)
  if (!typed) return {}
  if (typed.typeName === clientType) return { tls: readClientTls(typed.open(clientType)) }
  if (typed.typeName !== proxyHeaderType) {
    refuse(socket, typed)
    return {}
  }
  const transport = typed.open(proxyHeaderType)
  const version = transport.message('config')?.enumeration('version', 'V1') ?? 'V1'
  const { tls: inner } = readClientSocket(transport.message('transport_socket'))
  return { proxyProtocol: version === 'V2' ? 'v2' : 'v1', ...(inner ? { tls: inner } : {}) }
}
