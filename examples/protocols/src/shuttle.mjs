// HTTP/1.1 with what grows out of it: WebSocket at /socket, server-sent events at /events.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

const { HOST, PORT } = process.env

const server = createServer((request, response) => {
  if (request.url !== '/events') return response.end(`HTTP/${request.httpVersion} ${request.url}\n`)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let count = 0
  const timer = setInterval(() => {
    response.write(`data: pass ${++count}\n\n`)
    if (count < 3) return
    clearInterval(timer)
    response.end()
  }, 50)
  response.once('close', () => clearInterval(timer))
})

// RFC 6455, as much as short messages of text need.
server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  )
  let rest = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 6 && rest.length >= 6 + (rest[1] & 0x7f)) {
      const length = rest[1] & 0x7f
      const text = Buffer.from(rest.subarray(6, 6 + length).map((byte, i) => byte ^ rest[2 + (i % 4)]))
      if ((rest[0] & 0x0f) === 8) return socket.end(Buffer.from([0x88, 0]))
      const answer = Buffer.from(`${text} and back`)
      socket.write(Buffer.concat([Buffer.from([0x81, answer.length]), answer]))
      rest = rest.subarray(6 + length)
    }
  })
  socket.on('error', () => socket.destroy())
})

server.listen(Number(PORT), HOST)
