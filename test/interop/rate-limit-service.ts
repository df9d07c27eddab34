/** `weft ratelimit` as a process, a real Redis beside it, and a client of the protocol by grpc-js. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import * as grpc from '@grpc/grpc-js'
import {
  RateLimitRequestSchema,
  type RateLimitResponse,
  RateLimitResponseSchema,
} from '#/xds/proto/envoy/service/ratelimit/v3/rls_pb.ts'
import { findProgram, needPrograms } from './debian.ts'

const program = fileURLToPath(new URL('../../src/main/weft.ts', import.meta.url))

/** For a server that can't tell its port: free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

async function lineOf(child: ChildProcess, stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
  let text = ''
  for await (const [chunk] of onData(child, stream)) {
    text += String(chunk)
    const found = pattern.exec(text)
    if (found) return found
  }
  throw new Error(`ended without ${pattern}: ${text}`)
}

async function* onData(child: ChildProcess, stream: 'stdout' | 'stderr'): AsyncGenerator<[Buffer]> {
  const source = child[stream]!
  for (;;) {
    const next = await Promise.race([once(source, 'data'), once(child, 'exit').then(() => undefined)])
    if (!next) return
    yield next as [Buffer]
  }
}

export interface Running {
  stop(): Promise<void>
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

export async function startRedis(port: number): Promise<Running> {
  needPrograms({ 'redis-server': 'redis-server' })
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(findProgram('redis-server')!, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  await lineOf(child, 'stdout', /Ready to accept connections/)
  child.stdout!.resume()
  return { stop: () => end(child, 'SIGKILL') }
}

export interface LimitProcess extends Running {
  /** `127.0.0.1:PORT` */
  address: string
  metrics(): Promise<string>
}

export async function startLimits(limits: string, words: readonly string[] = []): Promise<LimitProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-limits-'))
  const file = join(folder, 'limits.yaml')
  writeFileSync(file, limits)
  const all = [
    '--no-warnings',
    program,
    'ratelimit',
    file,
    '--listen',
    '127.0.0.1:0',
    '--admin',
    '127.0.0.1:0',
    ...words,
  ]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'inherit', 'pipe'] })
  const [, address, admin] = await lineOf(child, 'stderr', /"address":"([^"]+)","admin":"([^"]+)"/)
  child.stderr!.resume()
  return {
    address: address!,
    metrics: async () => (await fetch(`http://${admin}/metrics`)).text(),
    async stop() {
      await end(child, 'SIGTERM')
      rmSync(folder, { recursive: true })
    },
  }
}

export class LimitClient {
  readonly #client: grpc.Client

  constructor(address: string) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure())
  }

  ask(domain: string, key: string, value: string): Promise<RateLimitResponse> {
    const request = create(RateLimitRequestSchema, { domain, descriptors: [{ entries: [{ key, value }] }] })
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        '/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit',
        (message: typeof request) => Buffer.from(toBinary(RateLimitRequestSchema, message)),
        (bytes) => fromBinary(RateLimitResponseSchema, bytes),
        request,
        (error, answer) => (error || !answer ? reject(error ?? new Error('no answer')) : resolve(answer)),
      )
    })
  }

  close(): void {
    this.#client.close()
  }
}
