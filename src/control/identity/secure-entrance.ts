/**
 * The TLS port of the control plane: ends TLS 1.3 with the control plane's own leaf, verifies the leaf of who shows one, and hands the
 * clear side on. Its leaf is renewed at half its life and when another root signs; connections live on.
 */
import { constants, type X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import type { Authority } from '#/identity/ca/authority.ts'
import { verifyPeerChain } from '#/identity/spiffe/peer-chain.ts'
import { formatCertificates } from '#/identity/spiffe/trust-bundle.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import type { CallBudget } from './call-budget.ts'
import type { IdentityCounters } from './identity-counters.ts'
import { ownCertificate } from './own-certificate.ts'

export interface SecureEntranceOptions {
  authority: Authority
  onConnection: (connection: TLSSocket) => void
  counters: IdentityCounters
  logBudget: CallBudget
  clock: Clock
  log: Log
}

/** A client that is slower only holds a connection, ms. */
const handshakeTimeoutMs = 10_000
/** Longest wait for the next renewal, ms. */
const renewMaxMs = 3_600_000

export class SecureEntrance {
  readonly #options: SecureEntranceOptions
  readonly #connections = new Set<TLSSocket>()
  #server: Server | undefined
  #renewal: Timer | undefined
  #unsubscribe: (() => void) | undefined

  constructor(options: SecureEntranceOptions) {
    this.#options = options
  }

  /** @returns where it listens. @throws when the port is taken. */
  async listen(address: HostPort): Promise<HostPort> {
    const { authority } = this.#options
    const server = createServer({
      ...(await this.#context()),
      ALPNProtocols: ['h2'],
      requestCert: true,
      // Judged in `#take`, where the reason can be told.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      // A resumed session would be believed as it was when it began; sidecars connect seldom.
      secureOptions: constants.SSL_OP_NO_TICKET,
    })
    this.#server = server
    server.on('secureConnection', (socket) => this.#take(socket))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.#refuse('handshake', error.code ?? error.message, socket.remoteAddress)
      socket.destroy()
    })
    server.listen(address.port, address.host)
    await once(server, 'listening')
    this.#unsubscribe = authority.bundle.subscribe(() => this.#renew())
    return { host: address.host, port: (server.address() as AddressInfo).port }
  }

  async stop(): Promise<void> {
    this.#renewal?.cancel()
    this.#unsubscribe?.()
    if (!this.#server) return
    for (const connection of this.#connections) connection.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** A fresh leaf and what is trusted now. */
  async #context(): Promise<SecureContextOptions> {
    const { authority, clock } = this.#options
    const { cert, key, expiresMs } = await ownCertificate(authority)
    const waitMs = Math.min(renewMaxMs, Math.max(1000, (expiresMs - clock.wallMs()) / 2))
    this.#renewal?.cancel()
    this.#renewal = clock.after(waitMs, () => this.#renew(), true)
    return {
      cert,
      key,
      ca: formatCertificates(authority.presentBundle.roots),
      minVersion: 'TLSv1.3',
      secureOptions: constants.SSL_OP_NO_TICKET,
    }
  }

  #renew(): void {
    this.#context().then(
      (context) => this.#server?.setSecureContext(context),
      (error) => this.#options.log.error("the control plane's own leaf was not renewed", { reason: String(error) }),
    )
  }

  #take(socket: TLSSocket): void {
    const fault = this.#peerFault(socket)
    if (fault) {
      this.#refuse(fault.reason, fault.detail, socket.remoteAddress)
      socket.destroy()
      return
    }
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
    socket.on('error', (error) => this.#options.log.debug('a connection was lost', { reason: error.message }))
    this.#options.onConnection(socket)
  }

  /** A client without a leaf may ask for one, by token. */
  #peerFault(socket: TLSSocket): { reason: string; detail: string } | undefined {
    if (socket.alpnProtocol !== 'h2') return { reason: 'alpn', detail: 'the client does not speak HTTP/2' }
    const chain = chainOf(socket)
    if (chain.length === 0) return undefined
    const { authority, clock } = this.#options
    const verdict = verifyPeerChain(chain, {
      nowMs: clock.wallMs(),
      bundleOf: (name) => (name === authority.trustDomain ? authority.presentBundle : undefined),
      isRevoked: (certificate, issuer) => authority.isRevoked(certificate, issuer),
    })
    if (!verdict.ok) return { reason: `leaf_${verdict.code}`, detail: verdict.detail }
    // Both must agree: OpenSSL knows rules that the own verification does not.
    return socket.authorized ? undefined : { reason: 'leaf_unauthorized', detail: String(socket.authorizationError) }
  }

  #refuse(reason: string, detail: string, peer: string | undefined): void {
    const { counters, logBudget, log } = this.#options
    counters.refuse(reason)
    if (logBudget.take(reason)) log.warn('a connection was refused', { reason, detail, peer })
  }
}

/** As far as it was sent, leaf first. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next = socket.getPeerX509Certificate()
  // A chain that OpenSSL has let through is short; a root is its own issuer.
  while (next && chain.length < 16 && !chain.some(({ raw }) => raw.equals(next!.raw))) {
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}
