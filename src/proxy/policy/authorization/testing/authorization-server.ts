/** Authorisation servers by other hands: `@grpc/grpc-js` with the generated messages, and `node:http`. */
import type { TestContext } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import {
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from '#/xds/proto/envoy/service/auth/v3/external_auth_pb.ts'

export interface GrpcAuthorizationServer {
  port: number
  asked: CheckRequest[]
  /** Of the call itself. */
  metadata: Record<string, unknown>[]
}

/** @param answer nothing for no answer at all. */
export async function startGrpcAuthorization(
  t: TestContext,
  answer: (request: CheckRequest) => MessageInitShape<typeof CheckResponseSchema> | undefined,
): Promise<GrpcAuthorizationServer> {
  const started: GrpcAuthorizationServer = { port: 0, asked: [], metadata: [] }
  const server = new Server()
  const check = {
    path: '/envoy.service.auth.v3.Authorization/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: CheckRequest) => Buffer.from(toBinary(CheckRequestSchema, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(CheckRequestSchema, bytes),
    responseSerialize: (message: CheckResponse) => Buffer.from(toBinary(CheckResponseSchema, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(CheckResponseSchema, bytes),
  }
  server.addService(
    { check },
    {
      check(call: ServerUnaryCall<CheckRequest, CheckResponse>, reply: sendUnaryData<CheckResponse>) {
        started.asked.push(call.request)
        started.metadata.push(call.metadata.getMap())
        const given = answer(call.request)
        if (given) reply(null, create(CheckResponseSchema, given))
      },
    },
  )
  started.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  )
  t.after(() => server.forceShutdown())
  return started
}
