/** Asks the authority for a certificate: one call on one connection of its own, as often as leaves are renewed. */
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { type GrpcStatus, grpcCodes } from '#/xds/transport/client/grpc-status.ts'
import { GrpcStream } from '#/xds/transport/client/grpc-stream.ts'
import { createCertificatePath, decodeGrant, encodeOrder } from './certificate-message.ts'
import { dialSecurely, type SecureDialOptions } from './secure-dial.ts'

export interface CertificateCall extends SecureDialOptions {
  address: HostPort
  /** PEM. */
  request: string
  /** Proof of who asks; without one the leaf is. */
  token?: string
  clock: Clock
}

/** The authority has refused, or could not be reached. */
export class CertificateRefusal extends Error {
  readonly status: GrpcStatus

  constructor(status: GrpcStatus) {
    super(status.message)
    this.status = status
  }

  /** It was reached, and said no. */
  get isAnswered(): boolean {
    const { unavailable, deadlineExceeded } = grpcCodes
    return this.status.code !== unavailable && this.status.code !== deadlineExceeded
  }
}

/** A chain of certificates is a few KB. */
const answerBytesMax = 262_144
/** The whole call, ms: an authority that signs takes milliseconds. */
const callTimeoutMs = 10_000

/** @returns PEM of each certificate, leaf first, root last. @throws CertificateRefusal */
export function askForCertificate(call: CertificateCall): Promise<string[]> {
  const { address, request, token, clock } = call
  return new Promise((resolve, reject) => {
    let chain: string[] | undefined
    let isLate = false
    const timer = clock.after(callTimeoutMs, () => {
      isLate = true
      stream.close()
    })
    const stream = new GrpcStream({
      address,
      path: createCertificatePath,
      isSecure: true,
      dial: (target) => dialSecurely(target, call),
      ...(token === undefined ? {} : { headers: ['authorization', `Bearer ${token}`] }),
      messageBytesMax: answerBytesMax,
      clock,
      onOpen: () => setImmediate(() => sendWhole(stream, encodeOrder({ request, lifeSeconds: 0 }))),
      onMessage: (message) => {
        chain = decodeGrant(message)
      },
      onClosed: (status) => {
        timer.cancel()
        const late = { code: grpcCodes.deadlineExceeded, message: `no answer in ${callTimeoutMs} ms` }
        if (status.code === 0 && chain) resolve(chain)
        else reject(new CertificateRefusal(isLate ? late : status))
      },
    })
  })
}

function sendWhole(stream: GrpcStream, message: Uint8Array): void {
  stream.send(message)
  stream.finish()
}
