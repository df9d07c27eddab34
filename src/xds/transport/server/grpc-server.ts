/** gRPC services over `@grpc/grpc-js`, which carries ready bytes: the only importer of that library. */
import type { Duplex } from 'node:stream'
import * as grpc from '@grpc/grpc-js'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'

/** What a stream's owner does with it. */
export interface ServerStreamHandler {
  onMessage(bytes: Uint8Array): void
  onClosed(): void
}

export interface ServerStreamWriter {
  write(bytes: Uint8Array, onWritten: () => void): void
  end(status?: { code: number; message: string }): void
}

/** Who is at the other end of a stream or call. */
export interface CallPeer {
  /** DER of the verified certificate of a client that showed one. */
  certificate?: Buffer
  /** Address and port, for logs. */
  address: string
}

export type OpenServerStream = (
  writer: ServerStreamWriter,
  protocol: 'delta' | 'sotw',
  peer: CallPeer,
) => ServerStreamHandler

/** A stream of another service than ADS. */
export interface StreamCall extends CallPeer {
  /** A field of the call's head; empty for none. */
  field(name: string): string
}

export type OpenStream = (writer: ServerStreamWriter, call: StreamCall) => ServerStreamHandler

/** One request, one answer. */
export interface UnaryCall extends CallPeer {
  request: Buffer
  /** Value of the field `authorization`; empty for none. */
  authorization: string
}

/** Throws `CallRefusal` to refuse. */
export type UnaryMethod = (call: UnaryCall) => Promise<Uint8Array>

/** The call ends with this status (https://grpc.io/docs/guides/status-codes/). */
export class CallRefusal extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const bytesMethod = (path: string, isStream: boolean): grpc.MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
})

const discovery = '/envoy.service.discovery.v3.AggregatedDiscoveryService'
const service = {
  DeltaAggregatedResources: bytesMethod(`${discovery}/DeltaAggregatedResources`, true),
  StreamAggregatedResources: bytesMethod(`${discovery}/StreamAggregatedResources`, true),
}

/** The library tells a certificate only when the handshake has verified it. */
function peerOf(call: grpc.ServerDuplexStream<Buffer, Buffer> | grpc.ServerUnaryCall<Buffer, Buffer>): CallPeer {
  const certificate = call.getAuthContext().sslPeerCertificate?.raw
  return { address: call.getPeer(), ...(certificate ? { certificate } : {}) }
}

async function answer(
  call: grpc.ServerUnaryCall<Buffer, Buffer>,
  method: UnaryMethod,
  callback: grpc.sendUnaryData<Buffer>,
): Promise<void> {
  const [authorization] = call.metadata.get('authorization')
  try {
    const bytes = await method({ ...peerOf(call), request: call.request, authorization: String(authorization ?? '') })
    callback(null, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    // What is no refusal is a fault of ours: its words are for our log, not for the caller.
    const isRefusal = error instanceof CallRefusal
    callback({ code: isRefusal ? error.code : 13, details: isRefusal ? error.message : 'internal error' })
    if (!isRefusal) throw error
  }
}

/** @param isKept the stream goes on when the client has said all it has to say. */
function serve(
  call: grpc.ServerDuplexStream<Buffer, Buffer>,
  open: (writer: ServerStreamWriter) => ServerStreamHandler,
  isKept = false,
): void {
  let isOpen = true
  const writer: ServerStreamWriter = {
    write: (bytes, onWritten) => {
      if (isOpen) call.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), onWritten)
    },
    end: (status) => {
      if (status)
        call.emit('error', Object.assign(new Error(status.message), { code: status.code, details: status.message }))
      else call.end()
    },
  }
  const handler = open(writer)
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    handler.onClosed()
  }
  call.on('data', (bytes: Buffer) => handler.onMessage(bytes))
  call.on('end', () => {
    if (isKept) return
    close()
    call.end()
  })
  call.on('cancelled', close)
  call.on('error', close)
  call.on('close', close)
}

/** The method of `/package.Service/Method`. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export class GrpcServer {
  readonly #server = new grpc.Server({
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.max_concurrent_streams': 2 ** 31 - 1,
  })
  #injector: ReturnType<grpc.Server['createConnectionInjector']> | undefined

  /** @param open ADS; absent: other services alone. */
  constructor(open?: OpenServerStream) {
    if (!open) return
    const handler = (protocol: 'delta' | 'sotw') => (call: grpc.ServerDuplexStream<Buffer, Buffer>) =>
      serve(call, (writer) => open(writer, protocol, peerOf(call)))
    this.#server.addService(service, {
      DeltaAggregatedResources: handler('delta'),
      StreamAggregatedResources: handler('sotw'),
    })
  }

  /** Serves one more stream that goes on when the client has said all. @param path `/package.Service/Method` */
  addStream(path: string, open: OpenStream): void {
    const handle = (call: grpc.ServerDuplexStream<Buffer, Buffer>): void => {
      const field = (name: string): string => String(call.metadata.get(name)[0] ?? '')
      serve(call, (writer) => open(writer, { ...peerOf(call), field }), true)
    }
    this.#server.addService({ [nameOf(path)]: bytesMethod(path, true) }, { [nameOf(path)]: handle })
  }

  /** Serves one more method. @param path `/package.Service/Method` */
  addMethod(path: string, method: UnaryMethod, onFault: (error: unknown) => void): void {
    const name = nameOf(path)
    const handle: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      answer(call, method, callback).catch(onFault)
    }
    this.#server.addService({ [name]: bytesMethod(path, false) }, { [name]: handle })
  }

  /** Takes a connection that was accepted elsewhere: the clear side of TLS that ends there. */
  take(connection: Duplex): void {
    this.#injector ??= this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
    this.#injector.injectConnection(connection)
  }

  /** @returns where it listens. @throws when the port is taken. */
  listen(address: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(formatHostPort(address), grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve({ host: address.host, port }),
      )
    })
  }

  /** On a Unix socket that only its owner may use. @throws when it can't be made. */
  listenOnSocket(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const umask = process.umask(0o177)
      this.#server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) => {
        process.umask(umask)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  stop(): void {
    this.#injector?.destroy()
    this.#server.forceShutdown()
  }
}
