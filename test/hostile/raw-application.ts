/** An application that keeps every byte it reads, and answers each request of HTTP/1.1 with `ok`. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface RawApplication {
  port: number
  /** Requests, whole, as they were read. */
  requests: string[]
  close(): void
}

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** @returns the length of the first request, 0 while it is not whole. Reads as a naive server would, by the first framing it sees. */
function requestLength(text: string): number {
  const head = text.indexOf('\r\n\r\n') + 4
  if (head < 4) return 0
  if (/^transfer-encoding: chunked\r$/m.test(text.slice(0, head))) {
    const end = /(^|\r\n)0\r\n([^\r\n]+\r\n)*\r\n/.exec(text.slice(head))
    return end ? head + end.index + end[0].length : 0
  }
  const length = head + Number(/^content-length: (\d+)\r$/m.exec(text.slice(0, head))?.[1] ?? 0)
  return text.length >= length ? length : 0
}

export async function startRawApplication(): Promise<RawApplication> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let length = requestLength(text); length > 0; length = requestLength(text)) {
        requests.push(text.slice(0, length))
        text = text.slice(length)
        socket.write(answer)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
