/**
 * The control plane's HTTP API on its own port: JSON for the command line and the dashboard, health, metrics. All of it reads, but for
 * the steps of the root's rotation.
 * Plain `node:http`: a handful of fixed paths needs no framework (the dashboard may bring one).
 */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostPort } from '#/std/host-port.ts'
import { rotationCommands } from '../identity/identity-plane.ts'
import type { ControlState } from './control-state.ts'
import { answerRecords, recordPaths } from './record-pages.ts'

export interface ApiServer {
  /** Where it listens. */
  address: HostPort
  stop(): Promise<void>
}

type Answer = { status: number; type: 'json' | 'text' | 'document'; body: unknown }

const json = (body: unknown): Answer => ({ status: 200, type: 'json', body })
const missing = (what: string): Answer => ({ status: 404, type: 'json', body: { error: what } })

const withoutIdentity = missing('this control plane issues no certificates; start it with --secure and --identity-dir')

/** Path → answer. */
const pages: Record<string, (state: ControlState) => Answer> = {
  '/healthz': () => ({ status: 200, type: 'text', body: 'ok\n' }),
  '/readyz': (state) =>
    state.isReady()
      ? { status: 200, type: 'text', body: 'ready\n' }
      : { status: 503, type: 'text', body: 'the first configuration has not been read yet\n' },
  '/metrics': (state) => ({ status: 200, type: 'text', body: state.metrics() }),
  '/api/v1/proxies': (state) => json(state.proxies()),
  '/api/v1/status': (state) => json(state.statuses()),
  '/api/v1/faults': (state) => json(state.faults()),
  '/api/v1/authority': ({ authority }) => (authority ? json(authority.report()) : withoutIdentity),
  '/api/v1/authority/federation': ({ authority }) => (authority ? json(authority.federation()) : withoutIdentity),
  // The SPIFFE bundle endpoint's document.
  '/api/v1/bundle': ({ authority }) =>
    authority ? { status: 200, type: 'document', body: authority.bundleDocument() } : withoutIdentity,
  '/api/v1/mesh': (state) => {
    const mesh = state.mesh()
    return json({ services: [...(mesh?.services.values() ?? [])], workloads: [...(mesh?.workloads.values() ?? [])] })
  },
}

const rotationPath = '/api/v1/authority/rotation/'

/**
 * `POST /api/v1/authority/rotation/STEP`. A page in a browser must not be able to send it: it needs a content type that such a page may
 * only send after asking, and a name that is not of the web's (DNS rebinding).
 */
function rotate(path: string, { headers }: http.IncomingMessage, { authority }: ControlState): Answer {
  const refused = (status: number, error: string): Answer => ({ status, type: 'json', body: { error } })
  const command = rotationCommands.find((one) => path === rotationPath + one)
  if (!command) return missing(`a step is one of ${rotationCommands.join(', ')}`)
  if (headers['content-type'] !== 'application/json') return refused(415, 'send content-type: application/json')
  if (!/^(localhost|[\d.]+|\[[\da-f:]+\])(:\d+)?$/i.test(headers.host ?? '')) return refused(403, 'ask by address')
  if (!authority) return withoutIdentity
  const outcome = authority.rotate(command)
  return typeof outcome === 'string' ? refused(409, outcome) : json(outcome)
}

function answerTo(path: string, state: ControlState): Answer {
  const page = pages[path]
  if (page) return page(state)
  const proxy = /^\/api\/v1\/proxies\/([^/]+)$/.exec(path)
  if (proxy) {
    const name = decodeURIComponent(proxy[1]!)
    const found = state.proxies().find(({ node }) => node === name)
    return found ? json(found) : missing(`no proxy is called ${name}; GET /api/v1/proxies lists them`)
  }
  return missing(`nothing here; there is ${[...Object.keys(pages), ...recordPaths].join(', ')}`)
}

/** Listens on `address` (port 0 takes any). @throws the system's error when the port is taken. */
export async function startApiServer(options: { address: HostPort; state: ControlState }): Promise<ApiServer> {
  const { address, state } = options
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://control')
    const path = url.pathname
    const isStep = request.method === 'POST' && path.startsWith(rotationPath)
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isStep) {
      response
        .writeHead(405, { allow: 'GET, HEAD', 'content-type': 'application/json' })
        .end('{"error":"only GET and HEAD"}\n')
      return
    }
    const send = ({ status, type, body }: Answer): void => {
      const text = type === 'json' ? `${JSON.stringify(body)}\n` : String(body)
      response.writeHead(status, {
        'content-type': type === 'text' ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json',
      })
      response.end(request.method === 'HEAD' ? undefined : text)
    }
    const gathered = state.records && recordPaths.includes(path) ? answerRecords(url, state.records) : undefined
    if (gathered)
      gathered.then(send, (error: unknown) => send({ status: 500, type: 'json', body: { error: String(error) } }))
    else send(isStep ? rotate(path, request, state) : answerTo(path, state))
  })
  server.listen(address.port, address.host)
  await once(server, 'listening')
  return {
    address: { host: address.host, port: (server.address() as AddressInfo).port },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
