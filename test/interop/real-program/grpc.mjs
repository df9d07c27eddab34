// A server of @grpc/grpc-js: one call of each kind.
import { Server, ServerCredentials, status } from '@grpc/grpc-js'

const { HOST, PORT } = process.env
const text = { serialize: (value) => Buffer.from(value), deserialize: (bytes) => bytes.toString() }
const method = (name, requestStream, responseStream) => ({
  path: `/weft.Loom/${name}`,
  requestStream,
  responseStream,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
})

export const loom = {
  Weave: method('Weave', false, false),
  Collect: method('Collect', true, false),
  Unroll: method('Unroll', false, true),
  Pass: method('Pass', true, true),
}

if (PORT) {
  const server = new Server()
  server.addService(loom, {
    Weave: ({ request }, done) =>
      request === 'knot'
        ? done({ code: status.FAILED_PRECONDITION, details: 'a knot' })
        : done(null, `woven ${request}`),
    Collect(call, done) {
      const pieces = []
      call.on('data', (piece) => pieces.push(piece))
      call.on('end', () => done(null, pieces.join(' ')))
    },
    Unroll(call) {
      for (let i = 0; i < 100; i++) call.write(`${call.request} ${i}`)
      call.end()
    },
    Pass(call) {
      call.on('data', (piece) => call.write(`${piece}!`))
      call.on('end', () => call.end())
    },
  })
  server.bindAsync(`${HOST}:${PORT}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw error
  })
}
