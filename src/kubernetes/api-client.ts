/**
 * Requests to the Kubernetes API over `node:https`: JSON in and out, and watches as a stream of lines. It knows no mesh. Why not
 * `@kubernetes/client-node`: docs/decisions/0017-kubernetes.md.
 */
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { ApiAccess } from './api-access.ts'
import { ApiError, apiError } from './api-error.ts'
import { LineSplitter } from './line-splitter.ts'
import { type ApiObject, type ObjectName, type Resource, resourcePath, resourceTitle } from './resource.ts'

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Readonly<Record<string, string | number | boolean>>
  body?: unknown
  /** `application/json` when absent. */
  contentType?: string
  /** The answer is text, not JSON: health checks, logs. */
  isText?: boolean
  /** For the error's text: `list pods`. */
  what: string
  signal?: AbortSignal
}

export interface ApplyOptions {
  /** Who owns the fields (server-side apply). */
  manager: string
  /** Only the status, by the subresource. */
  isStatus?: boolean
  /** Takes fields from other owners; without it they are a conflict. */
  isForced?: boolean
  isDryRun?: boolean
}

export interface LineOptions {
  /** No byte for so long and the connection counts as dead, ms. */
  silenceMaxMs: number
  /** The answer has begun. */
  onOpen(): void
  onLine(line: string): void
}

interface Exchange {
  sent: ClientRequest
  response: IncomingMessage
}

/** Without an answer for so long a request has failed, ms. */
const answerWaitMaxMs = 30_000
/** A page of 500 large objects stays far below it. */
const bodyBytesMax = 256 << 20

export class ApiClient {
  readonly #access: ApiAccess
  readonly #agent: http.Agent
  readonly #isSecure: boolean

  constructor(access: ApiAccess) {
    this.#access = access
    this.#isSecure = access.server.startsWith('https:')
    const { roots, clientCertificate } = access
    // A dead path is found by TCP keepalive; watches are silent for a minute at a time.
    const options = { keepAlive: true, maxFreeSockets: 4, ...(roots ? { ca: roots } : {}) }
    const own = clientCertificate ? { cert: clientCertificate.certificate, key: clientCertificate.key } : {}
    this.#agent = this.#isSecure ? new https.Agent({ ...options, ...own }) : new http.Agent(options)
  }

  get namespace(): string {
    return this.#access.namespace
  }

  /** Ends idle connections; those in use end with their requests. */
  stop(): void {
    this.#agent.destroy()
  }

  /** @throws ApiError. */
  async request<T>(request: ApiRequest): Promise<T> {
    const { response } = await this.#send(request)
    const body = await readBody(response, request.what)
    const status = response.statusCode ?? 0
    if (status < 200 || status > 299)
      throw apiError(request.what, { status, body, retryAfter: response.headers['retry-after'] })
    if (request.isText) return body as T
    return (body === '' ? undefined : JSON.parse(body)) as T
  }

  get<T extends ApiObject>(resource: Resource, name: ObjectName): Promise<T> {
    return this.request({ method: 'GET', path: resourcePath(resource, name), what: said('get', resource, name) })
  }

  create<T extends ApiObject>(resource: Resource, object: T): Promise<T> {
    const { namespace } = object.metadata
    const path = resourcePath(resource, namespace === undefined ? {} : { namespace })
    return this.request({ method: 'POST', path, body: object, what: said('create', resource, object.metadata) })
  }

  /** Replaces it, if `metadata.resourceVersion` is still the present one. */
  replace<T extends ApiObject>(resource: Resource, object: T): Promise<T> {
    const path = resourcePath(resource, object.metadata)
    return this.request({ method: 'PUT', path, body: object, what: said('update', resource, object.metadata) })
  }

  delete(resource: Resource, name: ObjectName): Promise<unknown> {
    return this.request({ method: 'DELETE', path: resourcePath(resource, name), what: said('delete', resource, name) })
  }

  /** Server-side apply: the object's fields become `manager`'s, others stay as they are. */
  apply<T extends ApiObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const { manager, isStatus = false, isForced = false, isDryRun = false } = options
    return this.request({
      method: 'PATCH',
      path: resourcePath(resource, object.metadata) + (isStatus ? '/status' : ''),
      query: { fieldManager: manager, force: isForced, ...(isDryRun ? { dryRun: 'All' } : {}) },
      body: object,
      // JSON is YAML, and every server since 1.22 knows this type.
      contentType: 'application/apply-patch+yaml',
      what: said('apply', resource, object.metadata),
    })
  }

  /** Calls `onLine` for each line of the answer; resolves when the server ends it. @throws ApiError, also when it falls silent. */
  async lines(request: ApiRequest, { silenceMaxMs, onOpen, onLine }: LineOptions): Promise<void> {
    const { sent, response } = await this.#send(request)
    const status = response.statusCode ?? 0
    if (status !== 200) {
      const body = await readBody(response, request.what)
      throw apiError(request.what, { status, body, retryAfter: response.headers['retry-after'] })
    }
    sent.setTimeout(silenceMaxMs)
    onOpen()
    const splitter = new LineSplitter(onLine)
    try {
      for await (const chunk of response) splitter.push(chunk as Buffer)
    } catch (error) {
      throw error instanceof ApiError ? error : noAnswer(request.what, error)
    }
  }

  #send(request: ApiRequest): Promise<Exchange> {
    const { method, path, query = {}, body, contentType = 'application/json', what, signal } = request
    const url = new URL(this.#access.server + path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const token = this.#access.token?.()
    const headers = {
      accept: 'application/json',
      'user-agent': 'weft',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(content ? { 'content-type': contentType, 'content-length': content.length } : {}),
    }
    const { promise, resolve, reject } = Promise.withResolvers<Exchange>()
    const make = this.#isSecure ? https.request : http.request
    const sent = make(url, { method, headers, agent: this.#agent, ...(signal ? { signal } : {}) })
    sent.setTimeout(answerWaitMaxMs)
    sent.on('timeout', () => sent.destroy(new Error('the API server has fallen silent')))
    sent.on('socket', (socket) => socket.setKeepAlive(true, 15_000))
    sent.on('response', (response) => resolve({ sent, response })).on('error', (error) => reject(noAnswer(what, error)))
    sent.end(content)
    return promise
  }
}

function said(verb: string, resource: Resource, { namespace, name }: ObjectName): string {
  return `${verb} ${resourceTitle(resource)} ${namespace === undefined ? '' : `${namespace}/`}${name}`
}

function noAnswer(what: string, error: unknown): ApiError {
  const reason = error instanceof Error ? error.message : String(error)
  return new ApiError(`${what}: ${reason}`, { status: 0, reason: 'NoAnswer' })
}

async function readBody(response: IncomingMessage, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length
      if (bytes > bodyBytesMax) throw new Error(`the answer is longer than ${bodyBytesMax} bytes`)
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    throw noAnswer(what, error)
  }
  return Buffer.concat(chunks).toString()
}
