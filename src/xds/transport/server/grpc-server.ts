/** ADS over `@grpc/grpc-js`, which carries ready bytes: the only importer of that library. */
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

export type OpenServerStream = (writer: ServerStreamWriter, protocol: 'delta' | 'sotw') => ServerStreamHandler

const bytesMethod = (path: string): grpc.MethodDefinition<Buffer, Buffer> => ({
  path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${path}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
})

const service = {
  DeltaAggregatedResources: bytesMethod('DeltaAggregatedResources'),
  StreamAggregatedResources: bytesMethod('StreamAggregatedResources'),
}

function serve(
  call: grpc.ServerDuplexStream<Buffer, Buffer>,
  open: OpenServerStream,
  protocol: 'delta' | 'sotw',
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
  const handler = open(writer, protocol)
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    handler.onClosed()
  }
  call.on('data', (bytes: Buffer) => handler.onMessage(bytes))
  call.on('end', () => {
    close()
    call.end()
  })
  call.on('cancelled', close)
  call.on('error', close)
  call.on('close', close)
}

export class GrpcServer {
  readonly #server = new grpc.Server({
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.max_concurrent_streams': 2 ** 31 - 1,
  })

  constructor(open: OpenServerStream) {
    this.#server.addService(service, {
      DeltaAggregatedResources: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => serve(call, open, 'delta'),
      StreamAggregatedResources: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => serve(call, open, 'sotw'),
    })
  }

  /** @returns where it listens. @throws when the port is taken. */
  listen(address: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(formatHostPort(address), grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve({ host: address.host, port }),
      )
    })
  }

  stop(): void {
    this.#server.forceShutdown()
  }
}
