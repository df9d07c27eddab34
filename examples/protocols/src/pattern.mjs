// gRPC: `Describe` answers once, `Weave` is a stream both ways. Messages are JSON, so that no compiler of protocols is needed.
import grpc from '@grpc/grpc-js'
import { service } from './pattern-service.mjs'

const { HOST, PORT, VERSION } = process.env
const server = new grpc.Server()
server.addService(service, {
  Describe({ request }, callback) {
    if (request.name === '') return callback({ code: grpc.status.INVALID_ARGUMENT, details: 'a pattern has a name' })
    callback(null, { text: `${request.name}, drawn by ${VERSION}` })
  },
  Weave(call) {
    call.on('data', ({ thread }) => call.write({ row: `${thread}, woven by ${VERSION}` }))
    call.on('end', () => call.end())
  },
})
server.bindAsync(`${HOST}:${PORT}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
