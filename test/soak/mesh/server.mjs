// Answers in every protocol, and writes down each id before it does anything with it: what is in the file of a process that was
// killed had reached it.
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer } from 'node:net'
import grpc from '@grpc/grpc-js'

const { HOST, PORT, PORT_H2C, PORT_GRPC, PORT_RAW, PORT_DATAGRAM } = process.env
const pid = String(process.pid)
const begun = openSync(`../begun/${pid}`, 'a')

function begin(id) {
  writeSync(begun, `${id}\n`)
}

/** `/id/ID` answers at once, `/cut/ID` in the middle of its answer no more, `/events/ID` tells twenty events. */
function answer(request, response) {
  const [, kind, id] = request.url.split('/')
  if (kind === 'healthz') return response.end('ok')
  begin(id)
  if (kind === 'events') return tell(response)
  if (kind === 'cut') {
    response.writeHead(200, { 'x-server': pid, 'content-length': 1000 }).write('half of it')
    return void setImmediate(() => request.socket.resetAndDestroy())
  }
  response.writeHead(200, { 'x-server': pid })
  request.pipe(response)
}

function tell(response) {
  response.writeHead(200, { 'x-server': pid, 'content-type': 'text/event-stream' })
  let left = 20
  const timer = setInterval(() => {
    response.write(`data: ${left}\n\n`)
    if (--left === 0) response.end()
    if (left === 0) clearInterval(timer)
  }, 50)
  response.once('close', () => clearInterval(timer))
}

/** RFC 6455: short text frames only, each sent back. The first one is ours, with the process's id. */
function upgrade(request, socket) {
  begin(request.url.split('/')[2])
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nx-server: ${pid}\r\n\r\n`,
  )
  let rest = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 6 && rest.length >= 6 + (rest[1] & 0x7f)) {
      const length = rest[1] & 0x7f
      const mask = rest.subarray(2, 6)
      const payload = Buffer.from(rest.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]))
      if ((rest[0] & 0x0f) === 8) return socket.end(Buffer.from([0x88, 0]))
      begin(payload.toString())
      socket.write(Buffer.concat([Buffer.from([0x81, length]), payload]))
      rest = rest.subarray(6 + length)
    }
  })
  socket.on('end', () => socket.end())
}

/** Speaks first: its process's id; then sends each line back. */
function converse(socket) {
  socket.write(`${pid}\n`)
  let rest = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes) => {
    const lines = (rest + bytes).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      begin(line)
      if (line.startsWith('cut')) return socket.resetAndDestroy()
      socket.write(`${line}\n`)
    }
  })
}

createServer({ keepAliveTimeout: 5000 }, answer).on('upgrade', upgrade).listen(Number(PORT), HOST)
createHttp2Server(answer)
  .on('sessionError', () => {})
  .listen(Number(PORT_H2C), HOST)
createTcpServer(converse).listen(Number(PORT_RAW), HOST)

const datagrams = createSocket('udp4')
datagrams.on('message', (message, { port, address }) => {
  begin(message.toString())
  datagrams.send(`${message} ${pid}`, port, address)
})
datagrams.bind(Number(PORT_DATAGRAM), HOST)

const plain = {
  requestSerialize: Buffer.from,
  requestDeserialize: Buffer.from,
  responseSerialize: Buffer.from,
  responseDeserialize: Buffer.from,
}
const grpcServer = new grpc.Server()
grpcServer.addService(
  { Talk: { path: '/soak.Loom/Talk', requestStream: true, responseStream: true, ...plain } },
  {
    Talk(call) {
      const metadata = new grpc.Metadata()
      metadata.set('x-server', pid)
      begin(String(call.metadata.get('x-id')[0]))
      call.sendMetadata(metadata)
      call.on('data', (message) => {
        begin(message.toString())
        call.write(message)
      })
      call.on('error', () => {})
      call.on('end', () => call.end())
    },
  },
)
grpcServer.bindAsync(`${HOST}:${PORT_GRPC}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
