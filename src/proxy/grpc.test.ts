import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import type { Cluster } from '#/model/cluster.ts'
import type { ForwardAction } from '#/model/route.ts'
import type { EventRecorder } from '#/proxy/testing/engine.ts'
import { until } from '#/proxy/testing/engine.ts'
import { reviews, startOutbound } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { forwardTo, route } from '#/proxy/testing/resources.ts'

/** Bytes as they are: no schema needed. */
const bytes = (path: string, isStream: boolean) => ({
  path,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
})

const definition = {
  Echo: bytes('/shop.Reviews/Echo', false),
  Fail: bytes('/shop.Reviews/Fail', false),
  Slow: bytes('/shop.Reviews/Slow', false),
  Chat: bytes('/shop.Reviews/Chat', true),
}

interface Application {
  port: number
  /** Names of the methods called, with the time that each was given, ms. */
  calls: { method: string; leftMs: number; metadata: grpc.Metadata }[]
  die(): void
  /** Calls of Fail that end badly before one succeeds. */
  failures: number
}

async function startApplication(t: TestContext): Promise<Application> {
  const application: Application = { port: 0, calls: [], die: () => undefined, failures: Number.POSITIVE_INFINITY }
  const note = (method: string, { metadata, getDeadline }: grpc.ServerUnaryCall<Buffer, Buffer>): void => {
    application.calls.push({ method, leftMs: Number(getDeadline()) - Date.now(), metadata })
  }
  type Done = grpc.sendUnaryData<Buffer>
  const server = new grpc.Server()
  server.addService(definition, {
    Echo: (one: grpc.ServerUnaryCall<Buffer, Buffer>, done: Done) => {
      note('Echo', Object.assign(one, { getDeadline: one.getDeadline.bind(one) }))
      const trailers = new grpc.Metadata()
      trailers.set('x-trailer', 'yes')
      done(null, one.request, trailers)
    },
    Fail: (one: grpc.ServerUnaryCall<Buffer, Buffer>, done: Done) => {
      note('Fail', Object.assign(one, { getDeadline: one.getDeadline.bind(one) }))
      if (application.failures-- > 0) done({ code: grpc.status.RESOURCE_EXHAUSTED, details: 'too much: 100 % ä' })
      else done(null, one.request)
    },
    Slow: (one: grpc.ServerUnaryCall<Buffer, Buffer>) => {
      note('Slow', Object.assign(one, { getDeadline: one.getDeadline.bind(one) }))
    },
    Chat: (chat: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      chat.on('data', (message: Buffer) => chat.write(message))
      chat.on('end', () => chat.end())
      chat.on('error', () => undefined)
    },
  })
  application.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  )
  application.die = () => server.forceShutdown()
  t.after(application.die)
  return application
}

interface Called {
  answer?: Buffer
  code: number
  details: string
  trailers: grpc.Metadata
}

interface Setup {
  client: grpc.Client
  application: Application
  events: EventRecorder
  proxy: { host: string; port: number }
  call(method: keyof typeof definition, options?: grpc.CallOptions): Promise<Called>
}

interface SetupOptions {
  action?: Partial<ForwardAction>
  cluster?: Partial<Cluster>
  /** None: an endpoint where nobody listens. */
  isDown?: boolean
}

async function setUp(t: TestContext, { action, cluster, isDown }: SetupOptions = {}): Promise<Setup> {
  const application = await startApplication(t)
  const { proxy, events } = await startOutbound(t, {
    ports: isDown ? [] : [application.port],
    routes: [route(forwardTo(reviews, action))],
    cluster: { protocol: 'http2', ...cluster },
  })
  const client = new grpc.Client(`${proxy.host}:${proxy.port}`, grpc.credentials.createInsecure(), {
    'grpc.default_authority': 'reviews.shop',
    'grpc.enable_retries': 0,
  })
  t.after(() => client.close())
  return {
    client,
    application,
    events,
    proxy,
    call: (method, options = {}) =>
      new Promise((resolve) => {
        let trailers = new grpc.Metadata()
        const { path, requestSerialize, responseDeserialize } = definition[method]
        const sent = Buffer.from('hello')
        const metadata = new grpc.Metadata()
        client
          .makeUnaryRequest(path, requestSerialize, responseDeserialize, sent, metadata, options, (error, answer) => {
            setImmediate(() =>
              resolve({
                ...(answer ? { answer } : {}),
                code: error?.code ?? 0,
                details: error?.details ?? '',
                trailers,
              }),
            )
          })
          .on('status', (status) => (trailers = status.metadata))
      }),
  }
}

test('a call goes through with its trailers, and its status is recorded', async (t) => {
  const { call: invoke, events, application } = await setUp(t)
  const { answer, code, trailers } = await invoke('Echo')
  assert.deepEqual([answer?.toString(), code, trailers.get('x-trailer')], ['hello', 0, ['yes']])
  await until(() => events.records.length === 1, 'the record')
  const { status, grpcStatus, path, protocol } = events.last!
  assert.deepEqual([status, grpcStatus, path, protocol], [200, 0, '/shop.Reviews/Echo', 'HTTP/2'])
  assert.equal(application.calls.length, 1)
})

test("an application's own status passes, with its text", async (t) => {
  const { call: invoke, events } = await setUp(t)
  const { code, details } = await invoke('Fail')
  assert.deepEqual([code, details], [grpc.status.RESOURCE_EXHAUSTED, 'too much: 100 % ä'])
  assert.equal(events.last!.grpcStatus, 8)
  assert.equal(events.last!.code, '')
})

test('what the proxy itself has to say is a status of gRPC too', async (t) => {
  const { call: invoke, events } = await setUp(t, { isDown: true })
  const { code, details } = await invoke('Echo')
  assert.equal(code, grpc.status.UNAVAILABLE)
  assert.match(details, /no ready endpoint/)
  assert.deepEqual([events.last!.grpcStatus, events.last!.code], [14, 'no_healthy_upstream'])
})

test("the client's deadline is the application's, less what the way took", async (t) => {
  const { call: invoke, application, events } = await setUp(t)
  await invoke('Echo', { deadline: Date.now() + 2000 })
  const { leftMs } = application.calls[0]!
  assert.ok(leftMs > 1000 && leftMs <= 2001, `${leftMs} ms`)
  const { code } = await invoke('Slow', { deadline: Date.now() + 100 })
  assert.equal(code, grpc.status.DEADLINE_EXCEEDED)
  await until(() => events.records.length === 2, 'the record')
  assert.ok([1, 4].includes(events.last!.grpcStatus), `${events.last!.grpcStatus}`)
})

test("the rule's timeout bounds a call without a deadline, and the application learns of it", async (t) => {
  const { call: invoke, application, events } = await setUp(t, { action: { timeoutMs: 150 } })
  const { code } = await invoke('Slow')
  assert.equal(code, grpc.status.DEADLINE_EXCEEDED)
  const { leftMs } = application.calls[0]!
  assert.ok(leftMs > 0 && leftMs <= 151, `${leftMs} ms`)
  await until(() => events.records.length === 1, 'the record')
  assert.equal(events.last!.grpcStatus, 4)
})

test('a status that the policy names is tried again', async (t) => {
  const retry = {
    attempts: 2,
    statuses: [],
    grpcStatuses: [8],
    onConnectFailure: true,
    onReset: true,
    attemptTimeoutMs: 0,
    backoffMs: 1,
  }
  const { call: invoke, application, events } = await setUp(t, { action: { retry } })
  application.failures = 2
  assert.equal((await invoke('Fail')).answer?.toString(), 'hello')
  assert.equal(application.calls.length, 3)
  assert.deepEqual([events.last!.attempts, events.last!.grpcStatus], [3, 0])
})

test('both sides of a stream speak in turn, nothing held back', async (t) => {
  const { client, events } = await setUp(t)
  const { path, requestSerialize, responseDeserialize } = definition.Chat
  const chat = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  for (const word of ['one', 'two', 'three']) {
    chat.write(Buffer.from(word))
    const [heard] = (await once(chat, 'data')) as [Buffer]
    assert.equal(heard.toString(), word)
  }
  chat.end()
  const [{ code }] = (await once(chat, 'status')) as [grpc.StatusObject]
  assert.equal(code, 0)
  await until(() => events.records.length === 1, 'the record')
})

test('a stream whose application dies ends with a status, not with a reset', async (t) => {
  const { client, events, application } = await setUp(t)
  const { path, requestSerialize, responseDeserialize } = definition.Chat
  const chat = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  chat.on('error', () => undefined)
  const ended = new Promise<grpc.StatusObject>((resolve) => chat.once('status', resolve))
  chat.write(Buffer.from('hello'))
  await once(chat, 'data')
  application.die()
  const { code, details } = await ended
  assert.equal(code, grpc.status.UNAVAILABLE)
  assert.match(details, /closed the connection before the answer was complete/)
  assert.deepEqual([events.last!.code, events.last!.grpcStatus], ['upstream_reset', 14])
})

const frame = (text: string): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(text.length, 1)
  return Buffer.concat([head, Buffer.from(text)])
}

test('grpc-web becomes gRPC where the application speaks nothing else, and trailers come as the last frame', async (t) => {
  const { proxy, events } = await setUp(t)
  const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' }
  const reply = await call(proxy, { method: 'POST', path: '/shop.Reviews/Echo', headers, body: frame('hello') })
  assert.equal(reply.headers['content-type'], 'application/grpc-web+proto')

  assert.match(reply.body, /grpc-status:0\r\n/)
  assert.equal(events.last!.grpcStatus, 0)
})

test('grpc-web as text is base64 both ways, in whatever pieces', async (t) => {
  const { proxy } = await setUp(t)
  const headers = { 'content-type': 'application/grpc-web-text+proto' }
  const whole = frame('hello')
  const pieces = [whole.subarray(0, 4), whole.subarray(4)].map((piece) => piece.toString('base64')).join('')
  for (const body of [whole.toString('base64'), pieces]) {
    const reply = await call(proxy, { method: 'POST', path: '/shop.Reviews/Echo', headers, body })
    const answer = (reply.body.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64'))
    const text = Buffer.concat(answer).toString('latin1')
    assert.equal(reply.status, 200, JSON.stringify(reply))
    assert.ok(text.startsWith(frame('hello').toString('latin1')), JSON.stringify(reply))
    assert.match(text, /\x80\0\0\0.grpc-status:0\r\n/s)
  }
})

test('a failure is told to a client of grpc-web in the head', async (t) => {
  const { proxy } = await setUp(t, { isDown: true })
  const headers = { 'content-type': 'application/grpc-web+proto' }
  const reply = await call(proxy, { method: 'POST', path: '/shop.Reviews/Echo', headers, body: frame('x') })
  assert.deepEqual([reply.status, reply.headers['grpc-status']], [200, '14'])
  assert.equal(reply.headers['content-type'], 'application/grpc-web+proto')
})
