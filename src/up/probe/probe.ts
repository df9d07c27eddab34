/** One look whether an application is ready, by HTTP, TCP or a command (Kubernetes, Probe). */
import { spawn } from 'node:child_process'
import http from 'node:http'
import net from 'node:net'
import type { Probe } from '#/api/core.ts'
import type { HostPort } from '#/std/host-port.ts'

/** Resolves to undefined when it is ready, else to the reason why not. Never rejects. */
export type Look = (timeoutMs: number) => Promise<string | undefined>

export interface ProbeTarget {
  /** Where a port of the container is reached, by number or name. */
  addressOf: (port: number | string) => HostPort | undefined
  folder: string
  environment: Readonly<Record<string, string>>
  /** The command line that runs a command where the application runs. */
  enter?: (argv: readonly string[]) => string[]
  /** Address of this machine from which the probe comes. */
  from?: string | undefined
}

/** @returns undefined when the probe names a port that the container does not have. */
export function lookOf(probe: Probe, target: ProbeTarget): Look | undefined {
  if (probe.exec) return (timeoutMs) => lookByCommand({ argv: probe.exec!.command, target, timeoutMs })
  if (probe.httpGet) {
    const address = target.addressOf(probe.httpGet.port)
    const path = probe.httpGet.path || '/'
    const headers = headersOf(probe.httpGet)
    return address && ((timeoutMs) => lookByHttp({ address, path, headers, timeoutMs, from: target.from }))
  }
  const port = probe.tcpSocket?.port ?? grpcPort(probe)
  const address = port === undefined ? undefined : target.addressOf(port)
  return address && ((timeoutMs) => lookByConnection(address, { timeoutMs, from: target.from }))
}

/** A gRPC health check needs a gRPC client; that the port accepts is the next best sign. */
function grpcPort(probe: Probe): number | undefined {
  const port = (probe.grpc as { port?: unknown } | undefined)?.port
  return typeof port === 'number' ? port : undefined
}

function headersOf(httpGet: NonNullable<Probe['httpGet']>): Record<string, string> {
  const list = Array.isArray(httpGet.httpHeaders) ? (httpGet.httpHeaders as { name: string; value: string }[]) : []
  return { 'user-agent': 'weft-probe', ...Object.fromEntries(list.map(({ name, value }) => [name, value])) }
}

/** Ready by a status from 200 to 399. */
export function lookByHttp(options: {
  address: HostPort
  path: string
  headers?: Record<string, string>
  timeoutMs: number
  from?: string | undefined
}): Promise<string | undefined> {
  const { address, path, headers = {}, timeoutMs, from } = options
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const request = http.get({ ...address, path, headers, agent: false, signal, ...sourceOf(from) }, (response) => {
      const status = response.statusCode ?? 0
      resolve(status >= 200 && status < 400 ? undefined : `GET ${path} answered ${status}`)
      response.destroy()
    })
    request.once('error', (error) => {
      resolve(signal.aborted ? `GET ${path}: no answer in ${timeoutMs} ms` : `GET ${path}: ${error.message}`)
    })
  })
}

export function lookByConnection(
  { host, port }: HostPort,
  { timeoutMs, from }: { timeoutMs: number; from?: string | undefined },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: timeoutMs, ...sourceOf(from) })
    const end = (reason?: string): void => {
      socket.destroy()
      resolve(reason)
    }
    socket.once('connect', () => end())
    socket.once('timeout', () => end(`port ${port}: no connection in ${timeoutMs} ms`))
    socket.once('error', (error) => end(`port ${port}: ${error.message}`))
  })
}

function sourceOf(from: string | undefined): { localAddress?: string } {
  return from ? { localAddress: from } : {}
}

/** Ready by exit code 0. */
function lookByCommand(options: {
  argv: readonly string[]
  target: ProbeTarget
  timeoutMs: number
}): Promise<string | undefined> {
  const { argv, target, timeoutMs } = options
  const own = argv[0] === 'node' ? [process.execPath, ...argv.slice(1)] : argv
  const [program = '', ...rest] = target.enter?.(own) ?? own
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      cwd: target.folder,
      env: { ...target.environment },
      stdio: 'ignore',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    child.once('error', (error) => resolve(`${argv[0]}: ${error.message}`))
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : `${argv[0]}: ${signal ? `no end in ${timeoutMs} ms` : `exit code ${code}`}`)
    })
  })
}
