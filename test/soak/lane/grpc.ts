/** gRPC by its own library: two-way streams of messages that come back one by one; some cancelled in the middle. */
import grpc from '@grpc/grpc-js'
import { pickIndex } from '#/std/random.ts'
import type { Call } from '../ledger.ts'
import { callTimeoutMs, type Dialogue, type Lane, type LaneContext, longDialogue, record } from './lane.ts'

const plain = (bytes: Buffer): Buffer => bytes
const messages = 12

export class GrpcLane implements Lane {
  readonly name = 'grpc'
  readonly width = 3
  readonly pauseMs = 100
  #client: grpc.Client | undefined

  async call(context: LaneContext): Promise<void> {
    const isCut = context.random() < 0.08
    const cutAfter = isCut ? pickIndex(context.random, messages) : messages
    this.#client ??= new grpc.Client(`127.0.0.1:${context.ports.grpc}`, grpc.credentials.createInsecure())
    const client = this.#client
    await record(context, { lane: this.name, isRepeatable: false, isCut }, (call) =>
      talk(client, call, { messages, everyMs: 0, cutAfter }),
    )
  }

  close(): void {
    this.#client?.close()
  }
}

/** Through whatever happens to certificates and roots. */
export class LongGrpcLane implements Lane {
  readonly name = 'long-grpc'
  readonly width = 2
  readonly pauseMs = 0
  #client: grpc.Client | undefined

  async call(context: LaneContext): Promise<void> {
    this.#client ??= new grpc.Client(`127.0.0.1:${context.ports.grpc}`, grpc.credentials.createInsecure())
    const client = this.#client
    await record(context, { lane: this.name, isRepeatable: false, isCut: false }, (call) =>
      talk(client, call, longDialogue(context)),
    )
  }

  close(): void {
    this.#client?.close()
  }
}

/** @param options.cutAfter answers, then the stream is cancelled; absent: never. */
function talk(client: grpc.Client, call: Call, options: Dialogue & { cutAfter?: number }): Promise<void> {
  const { messages, everyMs, cutAfter = messages } = options
  const metadata = new grpc.Metadata()
  metadata.set('x-id', call.id)
  const deadline = Date.now() + callTimeoutMs + 2 * messages * everyMs
  const stream = client.makeBidiStreamRequest('/soak.Loom/Talk', plain, plain, metadata, { deadline })
  return new Promise((resolve, reject) => {
    let answered = 0
    stream.on('metadata', (answer) => (call.server = String(answer.get('x-server')[0] ?? '')))
    stream.on('data', (message: Buffer) => {
      if (message.toString() !== call.ids.at(-1)) reject(new Error(`${message} came back for ${call.ids.at(-1)}`))
      answered++
      if (answered === messages) stream.end()
      else if (answered > cutAfter) stream.cancel()
      else setTimeout(() => stream.write(Buffer.from(call.nextId())), everyMs)
    })
    stream.on('error', ({ message }) => reject(new Error(message)))
    stream.on('status', ({ code, details }) => {
      if (code === 0 && answered === messages) resolve()
      else reject(new Error(`status ${code} after ${answered} messages: ${details}`))
    })
    stream.write(Buffer.from(call.nextId()))
  })
}
