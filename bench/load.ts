/** Load on loopback: `wrk` as fast as it goes, and an open loop at a fixed rate for latency. */
import { execFile } from 'node:child_process'
import http from 'node:http'
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
