/** TLS towards endpoints, on `node:tls`: handshakes with verification, tickets, and files read again. */
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import type { PeerCertificate, SecureContext, TLSSocket } from 'node:tls'
import type { ClientTls } from '#/model/tls.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { MeshTrust } from './mesh-trust.ts'
import type { PemWatch } from './pem-watch.ts'
import { createContext, meshVersions } from './secure-context.ts'
import { hasSubjectName, listSubjectNames, parseSubjectNames } from './subject-name.ts'
import type { CancelHandshake, Handshake, PeerExpectation, SessionTickets } from './tls-exit.ts'

// An import would be loaded at the start of a bundle, though this file is not: 2 MB in each sidecar.
const { connect } = process.getBuiltinModule('node:tls')

/** Of one endpoint: a server sends two, and each serves once (RFC 8446 appendix C.4). */
const ticketsMax = 4

/** Thrown by the check of names, so that its failure is told from one of the handshake. */
class UntrustedName extends Error {}

export class ClientContext {
  readonly #tls: ClientTls
  readonly #watch: PemWatch
  readonly #unwatch: () => void
  #secure: SecureContext | undefined
  #fault = ''
  /** Towards sidecars. */
  #trust: MeshTrust | undefined
  /** Tickets of an older one were issued under an older trust. */
  #generation = 0
  readonly #generations = new WeakMap<SessionTickets, number>()

  constructor(tls: ClientTls, watch: PemWatch) {
    this.#tls = tls
    this.#watch = watch
    this.#read()
    this.#unwatch = watch.watch(tls, () => this.#read())
  }

  start({ socket, tickets, peer = this.#tls, owner }: Handshake): CancelHandshake {
    if (!this.#secure) {
      owner.onHandshakeFailed('upstream_tls_failed', this.#fault)
      return () => undefined
    }
    const session = this.#takeTicket(tickets)
    const secure = connect({
      socket,
      secureContext: this.#secure,
      // An address is no server name (RFC 6066 section 3).
      ...(peer.serverName === '' || isIP(peer.serverName) !== 0 ? {} : { servername: peer.serverName }),
      ...(peer.alpn.length > 0 ? { ALPNProtocols: [...peer.alpn] } : {}),
      ...(session ? { session } : {}),
      rejectUnauthorized: this.#tls.trustedCa !== undefined,
      checkServerIdentity: (_host, certificate) => this.#checkNames(certificate, peer),
    })
    this.#keepTickets(secure, tickets)
    const onError = (error: Error): void => {
      const { code, detail } = describe(error)
      owner.onHandshakeFailed(code, detail)
    }
    const onClose = (): void => owner.onHandshakeFailed('upstream_tls_failed', 'the endpoint closed the connection')
    secure.once('error', onError)
    secure.once('close', onClose)
    secure.once('secureConnect', () => {
      secure.removeListener('error', onError)
      secure.removeListener('close', onClose)
      // OpenSSL has trusted it by the roots of all trust domains together, and knows of no revocation.
      const fault = this.#trust?.faultOf(secure) ?? ''
      if (fault !== '') {
        giveUp(secure)
        owner.onHandshakeFailed('upstream_tls_untrusted', `the certificate of the endpoint will not do: ${fault}`)
        return
      }
      owner.onSecure(secure, secure.alpnProtocol || '')
    })
    return () => {
      secure.removeListener('error', onError)
      secure.removeListener('close', onClose)
      giveUp(secure)
    }
  }

  close(): void {
    this.#unwatch()
  }

  #read(): void {
    const { certificate, trustedCa, isMesh } = this.#tls
    try {
      const trust =
        isMesh && certificate && trustedCa ? new MeshTrust({ certificate, trustedCa, watch: this.#watch }) : undefined
      this.#secure = createContext(this.#watch, { certificate, trustedCa }, isMesh ? meshVersions : {})
      this.#trust = trust
      this.#generation++
      this.#fault = ''
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error)
      const kept = this.#secure ? 'the one before stays' : 'there is none'
      this.#watch.log.warn(`a TLS context can not be made; ${kept}`, { reason: this.#fault })
    }
  }

  #takeTicket(tickets: SessionTickets): Buffer | undefined {
    if (this.#generations.get(tickets) !== this.#generation) tickets.length = 0
    return tickets.pop()
  }

  #keepTickets(secure: TLSSocket, tickets: SessionTickets): void {
    const generation = this.#generation
    secure.on('session', (ticket: Buffer) => {
      if (generation !== this.#generation) return
      this.#generations.set(tickets, generation)
      if (tickets.length >= ticketsMax) tickets.shift()
      tickets.push(ticket)
    })
  }

  /** Called for a certificate whose chain is trusted; a resumed session was checked when it began. */
  #checkNames(certificate: PeerCertificate, { subjectNames }: PeerExpectation): Error | undefined {
    if (!subjectNames) return undefined
    const found = parseSubjectNames(certificate.subjectaltname)
    // A certificate of two names could be taken for either of them (X509-SVID section 2).
    const isClear = !this.#tls.isMesh || found.uri.length === 1
    if (isClear && hasSubjectName(found, subjectNames)) return undefined
    return new UntrustedName(`it is for ${listSubjectNames(found)}, not for ${subjectNames.join(', ')}`)
  }
}

/** Codes of OpenSSL's verification, as Node names them: all that is no fault of the handshake itself. */
const untrustedCodes =
  /^(UNABLE_TO_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERROR_IN_CERT_|HOSTNAME_MISMATCH)/

function describe(error: NodeJS.ErrnoException): { code: ErrorCodeName; detail: string } {
  if (error instanceof UntrustedName) return { code: 'upstream_tls_untrusted', detail: error.message }
  const { code = '', message } = error
  if (untrustedCodes.test(code)) return { code: 'upstream_tls_untrusted', detail: `${code}: ${message}` }
  return {
    code: 'upstream_tls_failed',
    detail: code === '' || message.includes(code) ? message : `${code}: ${message}`,
  }
}

/** A late error of a socket that is given up would end the process. */
function giveUp(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.destroy()
}
