/** What is measured: each a kind of work that a peer can do or not. */
import { bulk, h2load, wrk } from './load.ts'

/** `pair`: two proxies, one behind the other, with TLS between them. `access`: before the application, with access rules or without. */
export type Kind = 'http1' | 'http2' | 'tcp' | 'pair' | 'access'

/** Where a peer listens, by what is spoken there. */
export type Ports = Readonly<Record<Kind, number>>

export interface CaseLoad {
  /** What the processor time is divided by. */
  units: number
  unitsPerSecond: number
  errors: number
}

export interface BenchCase {
  name: string
  kind: Kind
  unit: 'request' | 'MiB'
  run(port: number, seconds: number): Promise<CaseLoad>
}

/** The host that every request names. */
export const benchHost = 'echo.bench'
/** The same for HTTP/2, another Service since its application speaks HTTP/2. */
export const http2Host = 'echo2.bench:81'

function http1(
  name: string,
  path: string,
  connections: number,
  kind: 'http1' | 'pair' | 'access' = 'http1',
): BenchCase {
  const run: BenchCase['run'] = async (port, seconds) => {
    const load = await wrk({ port, path, host: benchHost, connections, seconds })
    return { units: load.requests, unitsPerSecond: load.requestsPerSecond, errors: load.errors }
  }
  return { name, kind, unit: 'request', run }
}

/** As a service calls another: a dozen headers, most of them the same each time. */
const callerHeaders = [
  'x-user: bench',
  'user-agent: bench/1.0 (h2load)',
  'accept: application/json',
  'accept-encoding: gzip, deflate, br',
  'accept-language: en-GB,en;q=0.9',
  'cache-control: no-cache',
  'x-tenant: blue',
  'x-forwarded-proto: https',
  'x-b3-sampled: 1',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'authorization: Bearer not-a-secret',
  'x-client-version: 2026.11',
]

function http2(
  name: string,
  options: { path: string; connections: number; streams: number; paths: number; grpc?: boolean },
): BenchCase {
  const { path, connections, streams, paths, grpc = false } = options
  const headers = grpc ? ['x-user: bench', 'content-type: application/grpc', 'te: trailers'] : callerHeaders
  const run: BenchCase['run'] = async (port, seconds) => {
    const uris = Array.from({ length: paths }, (_, i) => (paths === 1 ? path : `${path}?item=${i}`))
    const load = await h2load({ port, uris, host: http2Host, headers, connections, streams, seconds, hasBody: grpc })
    return { units: load.requests, unitsPerSecond: load.requestsPerSecond, errors: load.errors }
  }
  return { name, kind: 'http2', unit: 'request', run }
}

function tcp(name: string, mebibytes: number): BenchCase {
  const run: BenchCase['run'] = async (port) => {
    const { seconds } = await bulk({ port, bytes: mebibytes * 1024 * 1024 })
    return { units: mebibytes, unitsPerSecond: mebibytes / seconds, errors: 0 }
  }
  return { name, kind: 'tcp', unit: 'MiB', run }
}

export const cases: readonly BenchCase[] = [
  http1('HTTP/1.1, 100 B, 32 connections', '/api/100', 32),
  http1('HTTP/1.1, 100 B, 64 connections', '/api/100', 64),
  http1('HTTP/1.1, 1 KB, 64 connections', '/api/1000', 64),
  http1('HTTP/1.1, 100 KB, 32 connections', '/api/100000', 32),
  http2('h2c, 100 B, 10 x 10, 12 headers, 500 paths', { path: '/api/100', connections: 10, streams: 10, paths: 500 }),
  http2('gRPC unary, 10 x 10', { path: '/api/grpc', connections: 10, streams: 10, paths: 1, grpc: true }),
  http2('h2c, 100 KB, 10 x 10', { path: '/api/100000', connections: 10, streams: 10, paths: 1 }),
  tcp('TCP, 1 GiB', 1024),
  http1('pair, HTTP/1.1 outside, TLS 1.3 between, 32 connections', '/api/100', 32, 'pair'),
  http1('before the application, HTTP/1.1, 100 B, 32 connections', '/api/100', 32, 'access'),
]
