/** Lines of TCP to a server that speaks first: by the port that says nothing of what it speaks, and through CONNECT. */
import { connect, type Socket } from 'node:net'
import { pickIndex } from '#/std/random.ts'
import type { Call } from '../ledger.ts'
import { callTimeoutMs, type Dialogue, type Lane, type LaneContext, longDialogue, record } from './lane.ts'

const lines: Dialogue = { messages: 8, everyMs: 0 }
const connectHead = 'CONNECT server.soak:83 HTTP/1.1\r\nhost: server.soak:83\r\n\r\n'

abstract class LineLane {
  abstract readonly name: 'tcp' | 'connect'
  readonly width = 3
  readonly pauseMs = 100

  async call(context: LaneContext): Promise<void> {
    const isCut = context.random() < 0.1
    const cutAfter = isCut ? pickIndex(context.random, lines.messages) : lines.messages
    await record(context, { lane: this.name, isRepeatable: false, isCut }, (call) => {
      const socket = this.dial(context)
      return converse(socket, call, { ...lines, cutAfter, isTunnel: this.name === 'connect' })
    })
  }

  close(): void {
    // Each call closes its own connection.
  }

  protected abstract dial(context: LaneContext): Socket
}

export class TcpLane extends LineLane implements Lane {
  override readonly name = 'tcp'

  protected override dial({ ports }: LaneContext): Socket {
    return connect({ port: ports.raw, host: '127.0.0.1', allowHalfOpen: true })
  }
}

export class ConnectLane extends LineLane implements Lane {
  override readonly name = 'connect'

  protected override dial({ ports }: LaneContext): Socket {
    const socket = connect({ port: ports.outbound, host: '127.0.0.1', allowHalfOpen: true })
    socket.write(connectHead)
    return socket
  }
}

/** Through whatever happens to certificates and roots. */
export class LongTcpLane implements Lane {
  readonly name = 'long-tcp'
  readonly width = 2
  readonly pauseMs = 0

  async call(context: LaneContext): Promise<void> {
    await record(context, { lane: this.name, isRepeatable: false, isCut: false }, (call) => {
      const socket = connect({ port: context.ports.raw, host: '127.0.0.1', allowHalfOpen: true })
      const dialogue = longDialogue(context)
      return converse(socket, call, { ...dialogue, cutAfter: dialogue.messages, isTunnel: false })
    })
  }

  close(): void {
    // Each call closes its own connection.
  }
}

/** The last line is followed by the client's FIN; the server's has to follow. */
function converse(
  socket: Socket,
  call: Call,
  options: Dialogue & { cutAfter: number; isTunnel: boolean },
): Promise<void> {
  const { messages, everyMs, cutAfter } = options
  return new Promise((resolve, reject) => {
    let rest = ''
    let answered = 0
    let isAccepted = !options.isTunnel
    const take = (line: string): void => {
      if (!call.server) call.server = line
      else if (line === call.ids.at(-1)) answered++
      else socket.destroy(new Error(`${line} came back for ${call.ids.at(-1)}`))
      if (answered === messages) socket.end()
      else if (call.plan.isCut && answered >= cutAfter) socket.resetAndDestroy()
      else setTimeout(() => socket.writable && socket.write(`${call.nextId()}\n`), everyMs)
    }
    const accept = (text: string): string => {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return text
      isAccepted = true
      if (!/^HTTP\/1.1 2/.test(text)) socket.destroy(new Error(text.slice(0, end).replaceAll('\r\n', ' ')))
      return text.slice(end + 4)
    }
    socket.setEncoding('utf8').on('data', (text) => {
      rest += text
      if (!isAccepted) rest = accept(rest)
      if (!isAccepted || socket.destroyed) return
      const whole = rest.split('\n')
      rest = whole.pop()!
      for (const line of whole) take(line)
    })
    socket.setTimeout(callTimeoutMs, () => socket.destroy(new Error(`nothing for ${callTimeoutMs} ms`)))
    socket.on('error', reject)
    socket.on('end', () => socket.end())
    socket.on('close', () => (answered === messages ? resolve() : reject(new Error(`closed after ${answered} lines`))))
  })
}
