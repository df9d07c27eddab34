// One call in each protocol. Where a service is, Kubernetes' variables say, as in any cluster.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import grpc from '@grpc/grpc-js'
import { service } from './pattern-service.mjs'

function addressOf(name) {
  const { [`${name}_SERVICE_HOST`]: host, [`${name}_SERVICE_PORT`]: port } = process.env
  return { host, port: Number(port) }
}

const placeOf = (name) => `${addressOf(name).host}:${addressOf(name).port}`

async function callHttp2() {
  const session = http2.connect(`http://${placeOf('BOBBIN')}`)
  try {
    const stream = session.request({ ':path': '/thread/linen' })
    let [text, route, trailers] = ['', '', {}]
    stream.on('response', (headers) => (route = headers['x-route']))
    stream.on('trailers', (fields) => (trailers = fields))
    stream.setEncoding('utf8').on('data', (part) => (text += part))
    await once(stream, 'close')
    return `${text}, route ${route}, trailer ${trailers['x-length-metres']}`
  } finally {
    session.close()
  }
}

const Pattern = grpc.makeGenericClientConstructor(service, 'loom.Pattern')
let pattern

function patternClient() {
  pattern ??= new Pattern(placeOf('PATTERN'), grpc.credentials.createInsecure())
  return pattern
}

function describe(name) {
  return new Promise((resolve, reject) => {
    patternClient().Describe({ name }, { deadline: Date.now() + 5000 }, (error, answer) =>
      error ? reject(error) : resolve(answer.text),
    )
  })
}

async function refused() {
  return await describe('').catch(({ code, details }) => `status ${code}, ${details}`)
}

async function weave() {
  const call = patternClient().Weave({ deadline: Date.now() + 5000 })
  const rows = []
  for (const thread of ['warp', 'weft']) {
    call.write({ thread })
    const [{ row }] = await once(call, 'data')
    rows.push(row)
  }
  call.end()
  await once(call, 'status')
  return rows.join('; ')
}

async function callWebSocket() {
  const socket = new WebSocket(`ws://${placeOf('SHUTTLE')}/socket`)
  await once(socket, 'open')
  socket.send('there')
  const [{ data }] = await once(socket, 'message')
  socket.close()
  await once(socket, 'close')
  return data
}

async function listen() {
  const response = await fetch('http://shuttle/events')
  const text = await response.text()
  return text.match(/pass \d+/g).join(', ')
}

async function converse(name) {
  const socket = net.connect({ ...addressOf(name), allowHalfOpen: true })
  socket.setEncoding('utf8')
  let text = ''
  socket.on('data', (part) => (text += part))
  await once(socket, 'data')
  // Half of the connection closes here; the answer comes on the other half.
  socket.end('12\n30\n')
  await once(socket, 'end')
  return text.trim().replaceAll('\n', ', ')
}

async function open(yarn) {
  const servername = `${yarn}.vault.example`
  const socket = tls.connect({ ...addressOf('VAULT'), servername, rejectUnauthorized: false })
  let text = ''
  socket.setEncoding('utf8').on('data', (part) => (text += part))
  await once(socket, 'end')
  return text.trim()
}

async function throwDice() {
  const { host, port } = addressOf('DICE')
  const socket = createSocket('udp4')
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(5000) })
    socket.send('three threads', port, host)
    const [message] = await answer
    return message.toString()
  } finally {
    socket.close()
  }
}

export const calls = {
  'HTTP/2': callHttp2,
  gRPC: () => describe('twill'),
  'gRPC error': refused,
  'gRPC stream': weave,
  WebSocket: callWebSocket,
  events: listen,
  TCP: () => converse('LEDGER'),
  TCPRoute: () => converse('ACCOUNTS'),
  'TLS silk': () => open('silk'),
  'TLS wool': () => open('wool'),
  UDP: throwDice,
}
