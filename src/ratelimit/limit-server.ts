/** The service on its ports: gRPC for proxies, HTTP for metrics and probes. Its limits follow their file. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import { GrpcServer } from '#/xds/transport/server/grpc-server.ts'
import type { CounterStore } from './counter-store.ts'
import { type ReadLimits, readLimits } from './limit-config.ts'
import { LimitService, type LimitServiceOptions, limitServicePath } from './limit-service.ts'
import { LimitTally } from './limit-tally.ts'

/** Between two looks at the file, ms. */
const pollMs = 1000

export interface LimitServerOptions {
  store: CounterStore
  onStoreGone: LimitServiceOptions['onStoreGone']
  file: string
  log: Log
}

/** The file can't be used; the message has a line a fault. */
export class LimitFileError extends Error {}

export class LimitServer {
  readonly #options: LimitServerOptions
  readonly #tally = new LimitTally()
  readonly #grpc = new GrpcServer()
  readonly #service: LimitService
  #http: Server | undefined

  /** @throws {LimitFileError} when there is no good file to begin with. */
  constructor(options: LimitServerOptions) {
    this.#options = options
    const { forest, faults } = readFile(options.file)
    if (faults.length > 0) throw new LimitFileError(describe(options.file, faults))
    const { store, onStoreGone, log } = options
    this.#service = new LimitService({ store, onStoreGone, tally: this.#tally }, forest)
    this.#grpc.addMethod(
      limitServicePath,
      (call) => this.#service.answer(call),
      (error) => log.error('a question failed', { error: String(error) }),
    )
  }

  /** @returns where it listens. @throws when a port is taken. */
  async listen(address: HostPort, admin?: HostPort): Promise<{ address: HostPort; admin?: HostPort }> {
    const bound = await this.#grpc.listen(address)
    watchFile(this.#options.file, { interval: pollMs, persistent: false }, () => this.#reload())
    return { address: bound, ...(admin ? { admin: await this.#listenForMetrics(admin) } : {}) }
  }

  stop(): void {
    unwatchFile(this.#options.file)
    this.#grpc.stop()
    this.#http?.close()
    this.#http?.closeAllConnections()
    this.#options.store.close()
  }

  /** The last good limits stay in force. */
  #reload(): void {
    const { file, log } = this.#options
    const { forest, faults } = readFile(file)
    if (faults.length > 0) log.error('limits are faulty: those before stay', { faults: describe(file, faults) })
    else {
      this.#service.setLimits(forest)
      log.info('limits have changed', { domains: forest.size })
    }
  }

  #listenForMetrics(address: HostPort): Promise<HostPort> {
    const server = createServer(({ url }, response) => {
      const { isReady } = this.#options.store
      if (url === '/metrics')
        response.setHeader('content-type', 'text/plain; version=0.0.4').end(this.#tally.exposition(isReady))
      // Ready without Redis too: what it then answers is what it was told to.
      else if (url === '/ready') response.end('ready\n')
      else response.writeHead(404).end()
    })
    this.#http = server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(address.port, address.host, () =>
        resolve({ host: address.host, port: (server.address() as AddressInfo).port }),
      )
    })
  }
}

function readFile(file: string): ReadLimits {
  try {
    return readLimits(readFileSync(file, 'utf8'))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { forest: new Map(), faults: [{ line: 1, field: '', message }] }
  }
}

function describe(file: string, faults: ReadLimits['faults']): string {
  return faults
    .map(({ line, field, message }) => `${file}:${line}: ${field === '' ? '' : `${field}: `}${message}`)
    .join('\n')
}
