/**
 * A Kubernetes API in memory, as far as lists, watches and single objects go, with the bad days that a real one can't be made to have:
 * history that is gone, watches cut, requests denied.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApiAccess } from '../api-access.ts'
import type { ApiObject } from '../resource.ts'

interface StoredEvent {
  version: number
  collection: string
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: ApiObject
}

export interface Denial {
  status: number
  reason: string
  message: string
}

export class FakeApiServer {
  readonly requests: string[] = []
  /** Answers this instead, when it returns something. */
  deny: ((request: { method: string; path: string }) => Denial | undefined) | undefined
  /** Objects a page, whatever a client asks for. */
  pageMax = 500
  readonly #objects = new Map<string, ApiObject>()
  readonly #watches = new Map<ServerResponse, string>()
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #events: StoredEvent[] = []
  #version = 100
  /** Older versions are gone. */
  #oldest = 0

  async start(): Promise<ApiAccess> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return { server: `http://127.0.0.1:${port}`, namespace: 'default', token: () => 'fake' }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get watchCount(): number {
    return this.#watches.size
  }

  /** `collection` is the path of all objects: `/api/v1/pods`. */
  put(collection: string, object: ApiObject): ApiObject {
    const key = keyOf(collection, object.metadata)
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
    this.#tell({
      version: this.#version,
      collection,
      type: this.#objects.has(key) ? 'MODIFIED' : 'ADDED',
      object: stored,
    })
    this.#objects.set(key, stored)
    return stored
  }

  delete(collection: string, name: { name: string; namespace?: string }): void {
    const key = keyOf(collection, name)
    const object = this.#objects.get(key)
    if (!object) return
    this.#objects.delete(key)
    this.#tell({ version: ++this.#version, collection, type: 'DELETED', object })
  }

  /** Tells all watches how far they are. */
  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } }
    for (const response of this.#watches.keys()) response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
  }

  /** Forgets history: who asks for an older version is told that it has expired. */
  compact(): void {
    this.#oldest = this.#version
    this.#events = []
  }

  /** Ends all watches: `clean` as at their time limit, otherwise in the middle. */
  cut(isClean: boolean): void {
    for (const response of this.#watches.keys()) isClean ? response.end() : response.destroy()
    this.#watches.clear()
  }

  #tell(event: StoredEvent): void {
    this.#events.push(event)
    for (const [response, collection] of this.#watches) if (collection === event.collection) writeEvent(response, event)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://fake')
    const { method = 'GET' } = request
    this.requests.push(`${method} ${url.pathname}${url.search}`)
    const body = await bodyOf(request)
    const denial = this.deny?.({ method, path: url.pathname })
    if (denial) return sendStatus(response, denial)
    const { collection, name, namespace } = parsePath(url.pathname)
    if (name === undefined && method === 'GET') {
      if (url.searchParams.get('watch') === 'true') return this.#watch(url, collection, response)
      return this.#list(url, collection, response)
    }
    const present =
      name === undefined
        ? undefined
        : this.#objects.get(keyOf(collection, { name, ...(namespace ? { namespace } : {}) }))
    if (method !== 'POST' && !present)
      return sendStatus(response, { status: 404, reason: 'NotFound', message: 'not found' })
    if (method === 'GET') return send(response, 200, present)
    const given = JSON.parse(body) as ApiObject
    const isStale = method === 'PUT' && given.metadata.resourceVersion !== present!.metadata.resourceVersion
    const isThere = method === 'POST' && this.#objects.has(keyOf(collection, given.metadata))
    if (isStale || isThere) return sendStatus(response, { status: 409, reason: 'Conflict', message: 'conflict' })
    return send(response, 200, this.put(collection, given))
  }

  #list(url: URL, collection: string, response: ServerResponse): void {
    const all = [...this.#objects]
      .filter(([key]) => key.startsWith(`${collection} `))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const start = Number(url.searchParams.get('continue') ?? 0)
    const items = all.slice(start, start + this.pageMax).map(([, object]) => object)
    const end = start + items.length
    const rest = end < all.length ? { continue: String(end) } : {}
    send(response, 200, { metadata: { resourceVersion: String(this.#version), ...rest }, items })
  }

  #watch(url: URL, collection: string, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'))
    if (from < this.#oldest) {
      sendStatus(response, { status: 410, reason: 'Expired', message: 'too old resource version' })
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const event of this.#events)
      if (event.version > from && event.collection === collection) writeEvent(response, event)
    this.#watches.set(response, collection)
    response.on('close', () => this.#watches.delete(response))
  }
}

/** `/api/v1/namespaces/shop/pods/a` → the collection `/api/v1/pods`, its namespace and name. */
function parsePath(path: string): { collection: string; namespace?: string; name?: string } {
  const match = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(
    path,
  )
  const [, root = '', namespace, plural = '', name] = match ?? []
  return { collection: `${root}/${plural}`, ...(namespace ? { namespace } : {}), ...(name ? { name } : {}) }
}

function keyOf(collection: string, { namespace = '', name }: { namespace?: string; name: string }): string {
  return `${collection} ${namespace}/${name}`
}

function writeEvent(response: ServerResponse, { type, object, version }: StoredEvent): void {
  const metadata = { ...object.metadata, resourceVersion: String(version) }
  response.write(`${JSON.stringify({ type, object: { ...object, metadata } })}\n`)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function sendStatus(response: ServerResponse, { status, reason, message }: Denial): void {
  send(response, status, { kind: 'Status', code: status, reason, message })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
