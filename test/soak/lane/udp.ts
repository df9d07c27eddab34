/** Datagrams from a client of its own each time; every one has to come back. */
import { createSocket } from 'node:dgram'
import { callTimeoutMs, type Lane, type LaneContext, record } from './lane.ts'

const datagrams = 5

export class UdpLane implements Lane {
  readonly name = 'udp'
  readonly width = 2
  readonly pauseMs = 150

  async call(context: LaneContext): Promise<void> {
    // A client that goes away without waiting leaves a session behind that has to end by itself.
    const isCut = context.random() < 0.1
    await record(context, { lane: this.name, isRepeatable: false, isCut }, async (call) => {
      const socket = createSocket('udp4')
      try {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`no answer in ${callTimeoutMs / 5} ms`)), callTimeoutMs / 5)
          const finish = (): void => {
            clearTimeout(timer)
            resolve()
          }
          socket.on('error', reject)
          socket.on('message', (message) => {
            const [id, pid] = message.toString().split(' ')
            if (id !== call.ids.at(-1)) return
            call.server = pid!
            if (call.ids.length > datagrams) finish()
            else socket.send(call.nextId(), context.ports.datagram, '127.0.0.1')
          })
          socket.send(call.nextId(), context.ports.datagram, '127.0.0.1', () => isCut && finish())
        })
      } finally {
        socket.close()
      }
    })
  }

  close(): void {
    // Each call closes its own socket.
  }
}
