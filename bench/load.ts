/** Load on loopback: `wrk` as fast as it goes, and an open loop at a fixed rate for latency. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface LoadResult {
  requests: number
  requestsPerSecond: number
  errors: number
}

export interface LoadOptions {
  port: number
  path: string
  host: string
  connections: number
  seconds: number
}

export async function wrk(options: LoadOptions): Promise<LoadResult> {
  const { port, path, host, connections, seconds } = options
  const { stdout } = await run('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-H',
    `Host: ${host}`,
    '-H',
    'X-User: bench',
    `http://127.0.0.1:${port}${path}`,
  ])
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0)
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)
  const errors =
    number(/Non-2xx or 3xx responses: (\d+)/) +
    (socketErrors ? socketErrors.slice(1).reduce((sum, text) => sum + Number(text), 0) : 0)
  return { requests: number(/(\d+) requests in/), requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/), errors }
}

export interface Http2LoadOptions {
  port: number
  /** Paths, one after the other. */
  uris: readonly string[]
  host: string
  /** `name: value`. */
  headers: readonly string[]
  connections: number
  /** A connection. */
  streams: number
  seconds: number
  /** A small message with each request. */
  hasBody: boolean
}

export async function h2load(options: Http2LoadOptions): Promise<LoadResult> {
  const { port, uris, host, headers, connections, streams, seconds, hasBody } = options
  const folder = mkdtempSync(join(tmpdir(), 'weft-h2load-'))
  try {
    const list = join(folder, 'uris')
    const body = join(folder, 'body')
    writeFileSync(list, uris.map((path) => `http://127.0.0.1:${port}${path}\n`).join(''))
    writeFileSync(body, Buffer.from([0, 0, 0, 0, 5, ...Buffer.from('hello')]))
    const words = ['-t', '1', '-c', String(connections), '-m', String(streams), '-D', String(seconds), '-i', list]
    for (const header of [`:authority: ${host}`, ...headers]) words.push('-H', header)
    if (hasBody) words.push('-d', body)
    const { stdout } = await run('h2load', words)
    const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0)
    const succeeded = number(/(\d+) succeeded/)
    const errors =
      number(/(\d+) failed/) +
      number(/(\d+) errored/) +
      number(/(\d+) timeout/) +
      number(/(\d+) 4xx/) +
      number(/(\d+) 5xx/)
    return { requests: succeeded, requestsPerSecond: number(/([\d.]+) req\/s/), errors }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Asks a source behind a proxy for `bytes`, and reads them. */
export async function bulk({ port, bytes }: { port: number; bytes: number }): Promise<{ seconds: number }> {
  const startMs = performance.now()
  const socket = connect(port, '127.0.0.1')
  let came = 0
  socket.on('data', (chunk) => {
    came += chunk.length
  })
  socket.write(`${bytes}\n`)
  await once(socket, 'close')
  if (came !== bytes) throw new Error(`${came} of ${bytes} bytes came through`)
  return { seconds: (performance.now() - startMs) / 1000 }
}

/** Sends `rate` requests a second whatever the answers do (an open loop hides no queueing). @returns latencies in ms, sorted. */
export async function openLoop(options: LoadOptions & { rate: number }): Promise<number[]> {
  const { port, path, host, connections, seconds, rate } = options
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const latencies: number[] = []
  const total = rate * seconds
  const startMs = performance.now()
  const pending: Promise<void>[] = []
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1000) * rate))
    for (; sent < due; sent++) {
      const dueMs = startMs + (sent / rate) * 1000
      pending.push(
        new Promise((resolve, reject) => {
          http
            .get({ host: '127.0.0.1', port, path, headers: { host, 'x-user': 'bench' }, agent }, (response) => {
              response.resume()
              response.on('end', () => {
                latencies.push(performance.now() - dueMs)
                resolve()
              })
            })
            .on('error', reject)
        }),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(pending)
  agent.destroy()
  return latencies.sort((a, b) => a - b)
}
