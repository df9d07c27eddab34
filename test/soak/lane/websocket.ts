/** WebSocket (RFC 6455): an upgrade, then short frames that come back one by one; some connections reset in the middle. */
import http from 'node:http'
import type { Socket } from 'node:net'
import { pickIndex } from '#/std/random.ts'
import type { Call } from '../ledger.ts'
import { callTimeoutMs, type Dialogue, type Lane, type LaneContext, longDialogue, record } from './lane.ts'

const messages = 10

export class WebSocketLane implements Lane {
  readonly name = 'websocket'
  readonly width = 3
  readonly pauseMs = 100

  async call(context: LaneContext): Promise<void> {
    const isCut = context.random() < 0.1
    const cutAfter = isCut ? pickIndex(context.random, messages) : messages
    await record(context, { lane: this.name, isRepeatable: true, isCut }, async (call) => {
      await talk(await open(context.ports.http, call), call, { messages, everyMs: 0, cutAfter })
    })
  }

  close(): void {
    // Each call closes its own connection.
  }
}

/** Through whatever happens to certificates and roots. */
export class LongWebSocketLane implements Lane {
  readonly name = 'long-websocket'
  readonly width = 2
  readonly pauseMs = 0

  async call(context: LaneContext): Promise<void> {
    await record(context, { lane: this.name, isRepeatable: true, isCut: false }, async (call) => {
      await talk(await open(context.ports.http, call), call, longDialogue(context))
    })
  }

  close(): void {
    // Each call closes its own connection.
  }
}

function open(port: number, call: Call): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'd2VmdCBzb2FrIHdlZnQgcw==',
    }
    const request = http.get({ host: '127.0.0.1', port, path: `/ws/${call.id}`, headers, agent: false })
    request.setTimeout(callTimeoutMs, () => request.destroy(new Error(`no upgrade in ${callTimeoutMs} ms`)))
    request.on('error', reject)
    request.on('response', ({ statusCode, headers: { 'weft-detail': detail } }) => {
      request.destroy()
      reject(new Error(`${statusCode} ${detail ?? ''} in place of an upgrade`))
    })
    request.on('upgrade', (response, socket) => {
      call.server = String(response.headers['x-server'])
      resolve(socket as Socket)
    })
  })
}

/** A text frame with a mask of zeros: what it says stays legible. */
function frame(opcode: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

/** @param options.cutAfter answers, then the connection is reset; absent: never. */
function talk(socket: Socket, call: Call, options: Dialogue & { cutAfter?: number }): Promise<void> {
  const { messages, everyMs, cutAfter = messages } = options
  return new Promise((resolve, reject) => {
    let answered = 0
    let isClosing = false
    socket.on('error', reject)
    socket.on('close', () => (isClosing ? resolve() : reject(new Error(`closed after ${answered} messages`))))
    socket.setTimeout(callTimeoutMs, () => socket.destroy(new Error(`nothing for ${callTimeoutMs} ms`)))
    socket.on('data', (bytes: Buffer) => {
      if (isClosing) return
      if (bytes.subarray(2).toString() !== call.ids.at(-1)) socket.destroy(new Error('another message came back'))
      answered++
      if (answered === messages) {
        isClosing = true
        socket.end(frame(8, ''))
      } else if (answered > cutAfter) socket.resetAndDestroy()
      else setTimeout(() => socket.writable && socket.write(frame(1, call.nextId())), everyMs)
    })
    socket.write(frame(1, call.nextId()))
  })
}
