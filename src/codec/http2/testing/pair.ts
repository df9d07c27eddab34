/** Our client and our server on two ends of one real connection. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { HeaderList, RequestHead, ResponseHead } from '../../message.ts'
import type { ClientSink, ResetReason, ServerSink, ServerStream } from '../../stream.ts'
import { TimerWheel } from '../../timer-wheel.ts'
import { Http2ClientConnection } from '../client-connection.ts'
import type { Http2Limits } from '../limits.ts'
import { defaultHttp2Limits } from '../limits.ts'
import { Http2ServerConnection } from '../server-connection.ts'

/** What came on one side of a stream, and promises of what is to come. */
export class Inbox implements ServerSink, ClientSink {
  readonly chunks: Buffer[] = []
  readonly informational: number[] = []
  head: ResponseHead | undefined
  trailers: HeaderList | undefined
  reset: ResetReason | undefined
  isEnded = false
  isFinished = false
  onChange: () => void = () => undefined

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  onInformational(status: number): void {
    this.informational.push(status)
    this.onChange()
  }

  onHead(head: ResponseHead, isEnd: boolean): void {
    this.head = head
    this.isEnded = isEnd
    this.onChange()
  }

  onData(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk))
    this.onChange()
  }

  onEnd(trailers: HeaderList | undefined): void {
    this.trailers = trailers
    this.isEnded = true
    this.onChange()
  }

  onReset(reason: ResetReason): void {
    this.reset = reason
    this.onChange()
  }

  onWritable(): void {
    this.onChange()
  }

  onFinished(): void {
    this.isFinished = true
    this.onChange()
  }

  /** Ends when `isThere` holds. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        this.onChange = resolve
      })
    }
  }
}

export interface Pair {
  client: Http2ClientConnection
  server: Http2ServerConnection
  clientSocket: Socket
  malformed: string[]
}

export interface PairOptions {
  onStream: (stream: ServerStream) => ServerSink
  limits?: Partial<Http2Limits>
}

export async function startPair(t: TestContext, { onStream, limits: changed }: PairOptions): Promise<Pair> {
  const limits = { ...defaultHttp2Limits, ...changed }
  const wheel = new TimerWheel({ tickMs: 20 })
  const malformed: string[] = []
  const handler = { onStream, onMalformed: (code: string, detail: string) => malformed.push(`${code}: ${detail}`) }
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const clientSocket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [[accepted]] = (await Promise.all([once(listener, 'connection'), once(clientSocket, 'connect')])) as [
    [Socket],
    [],
  ]
  accepted.setNoDelay(true)
  clientSocket.setNoDelay(true)
  const owner = { onIdle: () => undefined, onClosed: () => undefined }
  const server = new Http2ServerConnection(accepted, { handler, limits, wheel })
  const client = new Http2ClientConnection(clientSocket, { owner, limits, wheel })
  t.after(() => {
    client.destroy()
    server.destroy()
    listener.close()
  })
  // The client knows what the server allows.
  while (!client.takesUpgrade) await new Promise(setImmediate)
  return { client, server, clientSocket, malformed }
}

export function requestHead(given: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'a.example',
    path: '/',
    headers: [],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
    ...given,
  }
}

export function responseHead(given: Partial<ResponseHead> = {}): ResponseHead {
  return { status: 200, headers: [], bodyLength: 0, upgrade: '', ...given }
}
