/**
 * TLS ended here, on `node:tls`: the certificate by SNI, clients' certificates, files read again without cutting anyone.
 * A `tls.Server` that never listens does the handshakes of connections that a listener hands it.
 */
import { randomBytes, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContext, Server, TLSSocket } from 'node:tls'
import type { ServerTls } from '#/model/tls.ts'
import { MeshTrust } from './mesh-trust.ts'
import type { PemWatch } from './pem-watch.ts'
import { createContext, meshVersions, readPair, secureOptions } from './secure-context.ts'
import type { SubjectNames } from './subject-name.ts'
import { coversHost, dnsNameFits, hasSubjectName, listSubjectNames, parseSubjectNames } from './subject-name.ts'
import type { TlsEntrance, TlsEntranceOptions, TlsEntranceOwner, TlsPeer } from './tls-entrance.ts'

// An import would be loaded at the start of a bundle, though this file is not: 2 MB in each sidecar.
const { createServer } = process.getBuiltinModule('node:tls')

interface Identity {
  context: SecureContext
  names: SubjectNames
}

/** By this OpenSSL tells the sessions of our contexts from those of others (SSL_CTX_set_session_id_context). */
const sessionIdContext = 'weft'

export class ServerContext implements TlsEntrance {
  readonly #options: TlsEntranceOptions
  readonly #server: Server
  readonly #unwatch: () => void
  readonly #pending = new Map<string, TlsEntranceOwner>()
  #identities: readonly Identity[]
  /** Of sidecars. */
  #trust: MeshTrust | undefined

  /** @throws when a certificate can't be read or does not fit its key. */
  constructor(options: TlsEntranceOptions) {
    this.#options = options
    const { tls, watch, handshakeTimeoutMs } = options
    this.#identities = readIdentities(tls, watch)
    this.#trust = trustOf(tls, watch)
    this.#server = createServer({
      ...secureOptions(),
      handshakeTimeout: handshakeTimeoutMs,
      ...(tls.isMesh ? meshVersions : {}),
      honorCipherOrder: true,
      requestCert: tls.clientCertificate !== 'none',
      // Judged in `#secured`, where the reason can be told.
      rejectUnauthorized: false,
      ...(tls.alpn.length > 0 ? { ALPNProtocols: [...tls.alpn] } : {}),
      SNICallback: (name, callback) => callback(null, this.#identityFor(name.toLowerCase()).context),
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    // The connection's own 'close' tells its owner; the reason stands in the error.
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.#fail(keyOf(socket), error.code ?? error.message)
      socket.destroy()
    })
    this.#useDefault()
    this.#unwatch = watch.watch(tls, () => this.#reload())
  }

  accept(socket: Socket, owner: TlsEntranceOwner): void {
    const key = keyOf(socket)
    this.#pending.set(key, owner)
    socket.once('close', () => {
      if (this.#pending.get(key) === owner) this.#fail(key, 'the client closed the connection within the handshake')
    })
    this.#server.emit('connection', socket)
  }

  close(): void {
    this.#unwatch()
  }

  #reload(): void {
    const { tls, watch } = this.#options
    try {
      this.#identities = readIdentities(tls, watch)
      this.#trust = trustOf(tls, watch)
      this.#useDefault()
      watch.log.info('certificates were read again')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      watch.log.warn('changed certificates can not be used; those before stay', { reason })
    }
  }

  /** For clients without SNI. */
  #useDefault(): void {
    const [first] = this.#options.tls.certificates
    const { tls, watch } = this.#options
    const { trustedCa } = tls
    this.#server.setSecureContext({
      ...secureOptions(),
      ...(tls.isMesh ? meshVersions : {}),
      honorCipherOrder: true,
      ...readPair(watch, first!),
      ca: trustedCa ? watch.read(trustedCa, 'trustedCa') : [],
      sessionIdContext,
    })
  }

  /** The first whose names fit, else the first. */
  #identityFor(serverName: string): Identity {
    const fits = ({ names }: Identity): boolean => names.dns.some((pattern) => dnsNameFits(pattern, serverName))
    return (serverName !== '' && this.#identities.find(fits)) || this.#identities[0]!
  }

  #secured(socket: TLSSocket): void {
    const key = keyOf(socket)
    const owner = this.#pending.get(key)
    const fault = this.#clientFault(socket)
    if (!owner || fault !== '') {
      this.#fail(key, fault)
      socket.destroy()
      return
    }
    this.#pending.delete(key)
    owner.onSecure(socket, this.#peerOf(socket))
  }

  /** Why the client's certificate will not do; empty when it will. */
  #clientFault(socket: TLSSocket): string {
    const { clientCertificate, subjectNames } = this.#options.tls
    if (clientCertificate === 'none') return ''
    const certificate = socket.getPeerX509Certificate()
    if (!certificate) return clientCertificate === 'required' ? 'the client sent no certificate' : ''
    if (!socket.authorized) return `the certificate of the client is not trusted: ${socket.authorizationError}`
    const fault = this.#trust?.faultOf(socket) ?? ''
    if (fault !== '') return `the certificate of the client will not do: ${fault}`
    const names = parseSubjectNames(certificate.subjectAltName)
    if (!subjectNames || hasSubjectName(names, subjectNames)) return ''
    return `the certificate of the client is for ${listSubjectNames(names)}`
  }

  #peerOf(socket: TLSSocket): TlsPeer {
    const serverName = typeof socket.servername === 'string' ? socket.servername.toLowerCase() : ''
    const { names } = this.#identityFor(serverName)
    const certificate = this.#options.tls.clientCertificate === 'none' ? undefined : socket.getPeerX509Certificate()
    const { uri, dns } = parseSubjectNames(certificate?.subjectAltName)
    return {
      protocol: socket.alpnProtocol || '',
      serverName,
      clientNames: [...uri, ...dns],
      covers: (host) => host.toLowerCase() === serverName || coversHost(names, host),
      ...(this.#trust && certificate ? { mesh: this.#trust.callerOf(certificate) } : {}),
    }
  }

  #fail(key: string, detail: string): void {
    const owner = this.#pending.get(key)
    this.#pending.delete(key)
    owner?.onHandshakeFailed(detail)
  }
}

/** Of sidecars. @throws when what it is made of is missing. */
function trustOf({ isMesh, certificates, trustedCa }: ServerTls, watch: PemWatch): MeshTrust | undefined {
  const [certificate] = certificates
  return isMesh && certificate && trustedCa ? new MeshTrust({ certificate, trustedCa, watch }) : undefined
}

/** Keys of tickets are new each time: a client that was trusted under an old CA has to show itself again. */
function readIdentities({ certificates, trustedCa, isMesh }: ServerTls, watch: PemWatch): readonly Identity[] {
  const ticketKeys = randomBytes(48)
  return certificates.map((certificate) => ({
    context: createContext(
      watch,
      { certificate, trustedCa },
      { sessionIdContext, ticketKeys, honorCipherOrder: true, ...(isMesh ? meshVersions : {}) },
    ),
    names: parseSubjectNames(new X509Certificate(watch.read(certificate.chain, 'chain')).subjectAltName),
  }))
}

/** The same for a connection and for TLS on it: `tls.Server` does not say which socket a secure one was made of. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
