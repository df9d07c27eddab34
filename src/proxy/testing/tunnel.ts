/** A client that asks for tunnels, in either version of HTTP, and a proxy that makes them. */

import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { ListenerProtocol } from '#/model/listener.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { TestEngine } from './engine.ts'
import { startEngine, until } from './engine.ts'
import {
  apiListener,
  assignment,
  edsCluster,
  endpoint,
  forwardTo,
  outboundListener,
  route,
  routeTable,
} from './resources.ts'

export const tunnelVersions = ['HTTP/1.1', 'HTTP/2'] as const
export type TunnelVersion = (typeof tunnelVersions)[number]

export interface Asked {
  status: number
  /** Of the answer. */
  detail: string
  /** The bytes of the tunnel, or of a refusal. */
  stream: Duplex
  text: () => string
  /** Of HTTP/2. */
  session: http2.ClientHttp2Session | undefined
}

/** @param authority what CONNECT names. @param early sent without waiting for the answer. */
export async function askForTunnel(
  t: TestContext,
  { version, proxy, authority, early }: { version: TunnelVersion; proxy: HostPort; authority: string; early?: string },
): Promise<Asked> {
  const asked = version === 'HTTP/2' ? askHttp2(t, proxy, authority, early) : askHttp1(t, proxy, authority, early)
  const { stream, ...rest } = await asked
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  stream.on('error', () => undefined)
  return { ...rest, stream, text: () => text }
}

type Answered = Omit<Asked, 'text'>

function askHttp1(t: TestContext, proxy: HostPort, path: string, early?: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...proxy, allowHalfOpen: true })
    t.after(() => socket.destroy())
    const request = http.request({ createConnection: () => socket, method: 'CONNECT', path, headers: { host: path } })
    request.on('error', reject)
    request.on('connect', (response, stream, head) => {
      if (head.length > 0) stream.unshift(head)
      const detail = String(response.headers['weft-detail'] ?? '')
      resolve({ status: response.statusCode!, detail, stream, session: undefined })
    })
    if (early !== undefined) request.on('finish', () => socket.write(early))
    request.end()
  })
}

function askHttp2(t: TestContext, proxy: HostPort, authority: string, early?: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://${formatHostPort(proxy)}`)
    session.on('error', reject)
    const stream = session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false })
    // The stream first, and until both are closed: a session that ends with a stream still open makes Node spin at the exit.
    t.after(async () => {
      const closed = session.closed ? undefined : once(session, 'close')
      stream.destroy()
      session.destroy()
      await closed
    })
    stream.on('error', reject)
    stream.on('response', (headers) =>
      resolve({ status: headers[':status']!, detail: String(headers['weft-detail'] ?? ''), stream, session }),
    )
    if (early !== undefined) stream.write(early)
  })
}

export interface TunnelProxy extends TestEngine {
  proxy: HostPort
}

/** Makes tunnels to destinations, each with the port of its application and what it speaks. */
export async function startTunnelProxy(
  t: TestContext,
  destinations: Readonly<Record<string, { port: number; protocol: ListenerProtocol }>>,
  settings: Partial<ProxySettings> = {},
): Promise<TunnelProxy> {
  const started = startEngine(settings)
  t.after(() => started.close())
  const { source } = started
  source.set('listener', outboundListener())
  for (const [name, { port, protocol }] of Object.entries(destinations)) {
    const backends = [{ type: 'cluster' as const, cluster: name, weight: 1 }]
    const streams = protocol === 'http' ? {} : { streams: [{ name, serverNames: [], backends }] }
    source.set('listener', { ...apiListener(name), protocol, ...streams })
    source.set('route', routeTable(name, route(forwardTo(name))))
    source.set('cluster', edsCluster(name))
    source.set('assignment', assignment(name, endpoint(port)))
  }
  await until(() => started.engine.isReady, 'readiness')
  return { ...started, proxy: started.address('outbound') }
}
