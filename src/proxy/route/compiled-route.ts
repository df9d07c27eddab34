/** A route ready for use: patterns compiled, shares summed up, header changes flattened. Immutable. */
import type { RequestHead } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'
import type { Route, RouteAction, RouteMatch, WeightedBackend } from '#/model/route.ts'
import { type CompiledCors, compileCors } from '#/proxy/policy/cors.ts'
import { grpcKindOf } from '#/proxy/policy/grpc.ts'
import { type CompiledMutation, compileMutation } from '#/proxy/policy/header-mutation.ts'
import { type CompiledPathRewrite, compilePathRewrite } from '#/proxy/policy/path-rewrite.ts'
import type { Random } from '#/std/random.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { compileRegex, type Pattern } from './regex.ts'
import {
  type CompiledValueMatch,
  compileValueMatch,
  conditionedValue,
  queryValue,
  valueMatches,
} from './value-match.ts'

/** A share of the traffic, with its header changes ready. */
export interface CompiledBackend {
  readonly backend: WeightedBackend
  /** Empty for an invalid backend, which answers 500 (Gateway API, `backendRefs`). */
  readonly cluster: string
  /** Why the backend is invalid, empty for a cluster. */
  readonly invalidReason: string
  readonly requestHeaders: CompiledMutation | undefined
  readonly responseHeaders: CompiledMutation | undefined
}

export class CompiledRoute {
  readonly route: Route
  readonly action: RouteAction
  readonly requestHeaders: CompiledMutation | undefined
  readonly responseHeaders: CompiledMutation | undefined
  readonly cors: CompiledCors | undefined
  /** Of a forward or a redirect. */
  readonly pathRewrite: CompiledPathRewrite | undefined
  readonly backends: readonly CompiledBackend[]
  readonly #cumulativeWeights: readonly number[]
  readonly #path: RouteMatch['path']
  readonly #pathPattern: Pattern | undefined
  readonly #method: string | undefined
  readonly #isGrpc: boolean
  readonly #headers: readonly CompiledValueMatch[]
  readonly #query: readonly CompiledValueMatch[]

  /** @throws RouteConfigurationError when a pattern is no RE2. */
  constructor(route: Route) {
    const place = `route ${route.name}`
    const { match, action } = route
    this.route = route
    this.action = action
    this.requestHeaders = compileMutation(route.requestHeaders)
    this.responseHeaders = compileMutation(route.responseHeaders)
    this.cors = route.cors && compileCors(route.cors)
    const rewrite =
      action.type === 'forward' ? action.rewrite?.path : action.type === 'redirect' ? action.path : undefined
    this.pathRewrite = rewrite && compilePathRewrite(rewrite, match.path, `${place}: rewrite`)
    this.backends = action.type === 'forward' ? action.backends.map(compileBackend) : []
    let sum = 0
    this.#cumulativeWeights = this.backends.map(({ backend }) => (sum += backend.weight))
    this.#path = match.path
    this.#pathPattern = match.path.type === 'regex' ? compileRegex(match.path.value, `${place}: match.path`) : undefined
    this.#method = match.method
    this.#isGrpc = match.isGrpc ?? false
    this.#headers = match.headers.map((header) => compileValueMatch(header, `${place}: match.header ${header.name}`))
    this.#query = match.query.map((query) => compileValueMatch(query, `${place}: match.query ${query.name}`))
  }

  /**
   * Whether all conditions hold.
   * @param path the path of `head` without its query.
   * @param trace told of the outcome; absent for requests in flight.
   */
  matches(head: RequestHead, path: string, trace?: DecisionTrace): boolean {
    if (!this.#pathMatches(path)) {
      const { type, value } = this.#path
      trace?.lose(this.route, { field: 'path', expected: `${type} ${value}`, found: path })
      return false
    }
    if (this.#method !== undefined && this.#method !== head.method) {
      trace?.lose(this.route, { field: 'method', expected: this.#method, found: head.method })
      return false
    }
    if (this.#isGrpc && !isGrpcRequest(head)) {
      const found = getHeader(head.headers, 'content-type')
      trace?.lose(this.route, { field: 'protocol', expected: 'grpc', found })
      return false
    }
    for (const header of this.#headers) {
      const value = conditionedValue(head, header.match.name)
      if (valueMatches(header, value)) continue
      trace?.lose(this.route, lostValue('header', header, value))
      return false
    }
    for (const query of this.#query) {
      const value = queryValue(head.path, query.match.name)
      if (valueMatches(query, value)) continue
      trace?.lose(this.route, lostValue('query', query, value))
      return false
    }
    trace?.win(this.route)
    return true
  }

  #pathMatches(path: string): boolean {
    const { type, value } = this.#path
    switch (type) {
      case 'exact':
        return path === value
      case 'prefix':
        return path.startsWith(value)
      case 'segment-prefix':
        // The root takes everything, `OPTIONS *` and CONNECT included: it is what a Service without routes has.
        if (value === '/' || value === '') return true
        return path.startsWith(value) && (path.length === value.length || path.charCodeAt(value.length) === 0x2f)
      case 'regex':
        return this.#pathPattern!.testExact(path)
    }
  }

  /**
   * A backend by weight. When all weights are 0 the answer is an invalid backend: Gateway API asks for a 500 then.
   * Only for routes that forward.
   */
  pickBackend(random: Random): CompiledBackend {
    const cumulative = this.#cumulativeWeights
    const total = cumulative[cumulative.length - 1] ?? 0
    if (total === 0) return weightless
    if (cumulative.length === 1) return this.backends[0]!
    const point = random() * total
    let i = 0
    while (cumulative[i]! <= point) i++
    return this.backends[i]!
  }
}

function isGrpcRequest({ method, headers }: RequestHead): boolean {
  return method === 'POST' && grpcKindOf(getHeader(headers, 'content-type')) === 'grpc'
}

function lostValue(kind: 'header' | 'query', { match }: CompiledValueMatch, found: string | undefined) {
  const expected = `${match.isInverted ? 'not ' : ''}${match.type}${match.value === '' ? '' : ` ${match.value}`}`
  return { field: `${kind} ${match.name}`, expected, found }
}

function compileBackend(backend: WeightedBackend): CompiledBackend {
  return {
    backend,
    cluster: backend.type === 'cluster' ? backend.cluster : '',
    invalidReason: backend.type === 'invalid' ? backend.reason : '',
    requestHeaders: compileMutation(backend.requestHeaders),
    responseHeaders: compileMutation(backend.responseHeaders),
  }
}

const weightless = compileBackend({ type: 'invalid', weight: 0, reason: 'all backends of the rule have weight 0' })
