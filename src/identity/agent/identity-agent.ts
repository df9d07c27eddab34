/**
 * One workload's identity for programs without a sidecar of ours: a Unix socket with the SPIFFE Workload API and Envoy's SDS, as SPIRE's
 * agent has it, and files for those who read files.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Log } from '#/std/log.ts'
import { GrpcServer } from '#/xds/transport/server/grpc-server.ts'
import type { WorkloadIdentity } from '../workload/workload-identity.ts'
import { writeCertificateFiles } from './certificate-files.ts'
import { serveSecrets } from './secret-service.ts'
import { serveWorkloadApi } from './workload-api.ts'

export interface IdentityAgentOptions {
  identity: WorkloadIdentity
  /** Path of the Unix socket; none when absent. */
  socket?: string
  /** Folder for the three files; none when absent. */
  folder?: string
  log: Log
}

export class IdentityAgent {
  readonly #options: IdentityAgentOptions
  readonly #server = new GrpcServer()
  #unsubscribe: (() => void) | undefined

  constructor(options: IdentityAgentOptions) {
    this.#options = options
    const { identity, log } = options
    serveWorkloadApi(this.#server, identity)
    serveSecrets(this.#server, identity, log)
  }

  /** Resolves when the socket listens; the leaf follows. @throws when the socket's path is taken by something else. */
  async start(): Promise<void> {
    const { identity, socket, folder } = this.#options
    if (socket) {
      mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
      // What an earlier process left behind; anything else is not ours to remove.
      if (statSync(socket, { throwIfNoEntry: false })?.isSocket()) rmSync(socket)
      await this.#server.listenOnSocket(socket)
    }
    if (folder) this.#unsubscribe = identity.svid.subscribe((svid) => writeCertificateFiles(folder, svid))
    identity.start()
  }

  stop(): void {
    const { identity, socket } = this.#options
    this.#unsubscribe?.()
    identity.stop()
    this.#server.stop()
    if (socket) rmSync(socket, { force: true })
  }
}
