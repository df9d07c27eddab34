/** HTTP/2 with prior knowledge: a few streams at a time on one connection, which is now and then cut with all of them. */
import http2 from 'node:http2'
import type { Call } from '../ledger.ts'
import { callTimeoutMs, type Lane, type LaneContext, record } from './lane.ts'

const streamsPerRound = 4

export class Http2Lane implements Lane {
  readonly name = 'http2'
  readonly width = 2
  readonly pauseMs = 60
  #sessions: http2.ClientHttp2Session[] = []

  async call(context: LaneContext): Promise<void> {
    const isCut = context.random() < 0.05
    // A connection that is to be cut is its own, lest it take the calls of others along.
    const session = isCut ? this.#connect(context) : this.#kept(context)
    const streams = Array.from({ length: streamsPerRound }, () => {
      const isRepeatable = context.random() < 0.5
      const body = isRepeatable ? undefined : Buffer.alloc(Math.floor(context.random() * 100_000), 'w')
      return record(context, { lane: this.name, isRepeatable, isCut, bodyBytes: body?.length ?? 0 }, (call) =>
        exchange(session, call, body),
      )
    })
    if (isCut) setTimeout(() => session.destroy(), context.random() * 10)
    await Promise.all(streams)
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }

  #kept(context: LaneContext): http2.ClientHttp2Session {
    this.#sessions = this.#sessions.filter((one) => !one.closed && !one.destroyed)
    if (this.#sessions.length === 0) this.#sessions.push(this.#connect(context))
    return this.#sessions[0]!
  }

  #connect({ ports }: LaneContext): http2.ClientHttp2Session {
    const session = http2.connect(`http://127.0.0.1:${ports.h2c}`)
    // Its streams tell it too.
    session.on('error', () => session.destroy())
    return session
  }
}

function exchange(session: http2.ClientHttp2Session, call: Call, body: Buffer | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': body ? 'POST' : 'GET', ':path': `/id/${call.id}` })
    let status = ''
    let count = 0
    stream.on('response', (headers) => {
      call.server = String(headers['x-server'] ?? '')
      status = `${headers[':status']} ${headers['weft-detail'] ?? ''}`.trim()
    })
    stream.on('data', (chunk: Buffer) => (count += chunk.length))
    stream.on('error', ({ message }) => reject(new Error(`${message} ${status}`)))
    stream.setTimeout(callTimeoutMs, () => stream.destroy(new Error(`nothing for ${callTimeoutMs} ms`)))
    stream.on('close', () => {
      const whole = body?.length ?? 0
      if (status === '200' && count === whole && stream.rstCode === 0) resolve()
      else reject(new Error(`${status}, ${count} bytes of ${whole}, reset ${stream.rstCode}`))
    })
    stream.end(body)
  })
}
