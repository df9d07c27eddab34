/** Serves our own trust bundle to other trust domains (SPIFFE Federation standard, section 5): HTTPS, one document, for whoever asks. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Clock, Timer } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'

export interface EndpointCertificate {
  /** PEM, leaf first. */
  cert: string
  key: string
  /** Since 1970, ms. */
  expiresMs: number
}

export interface BundleEndpointOptions {
  address: HostPort
  /** Asked for again at half of its life, and each minute at most. */
  certificate: () => Promise<EndpointCertificate>
  document: () => string
  clock: Clock
  log: Log
}

/** Clients ask now and then: whoever holds a connection for longer holds it in vain, ms. */
const idleMs = 10_000
const renewMinMs = 60_000
const renewMaxMs = 3_600_000
const connectionsMax = 100

export class BundleEndpoint {
  readonly #options: BundleEndpointOptions
  #server: Server | undefined
  #timer: Timer | undefined

  constructor(options: BundleEndpointOptions) {
    this.#options = options
  }

  /** @returns where it listens. @throws when the port is taken, or there is no certificate. */
  async listen(): Promise<HostPort> {
    const { address, document, certificate } = this.#options
    const { cert, key, expiresMs } = await certificate()
    const server = createServer({ cert, key, minVersion: 'TLSv1.2', keepAliveTimeout: idleMs, requestTimeout: idleMs })
    server.maxConnections = connectionsMax
    server.on('request', (request, answer) => {
      const isRead = request.method === 'GET' || request.method === 'HEAD'
      answer.writeHead(isRead ? 200 : 405, { 'content-type': 'application/json', ...(isRead ? {} : { allow: 'GET' }) })
      answer.end(request.method === 'GET' ? document() : undefined)
    })
    server.listen(address.port, address.host)
    await once(server, 'listening')
    this.#server = server
    this.#renewAt(expiresMs)
    return { host: address.host, port: (server.address() as AddressInfo).port }
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    if (!this.#server) return
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #renewAt(expiresMs: number): void {
    const { clock } = this.#options
    const waitMs = Math.min(renewMaxMs, Math.max(renewMinMs, (expiresMs - clock.wallMs()) / 2))
    this.#timer = clock.after(waitMs, () => void this.#renew(), true)
  }

  async #renew(): Promise<void> {
    const { certificate, clock, log } = this.#options
    try {
      const { cert, key, expiresMs } = await certificate()
      this.#server?.setSecureContext({ cert, key })
      this.#renewAt(expiresMs)
    } catch (error) {
      log.error('the certificate of the bundle endpoint was not renewed', { reason: String(error) })
      this.#renewAt(clock.wallMs())
    }
  }
}
