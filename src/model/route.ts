/**
 * Which request goes where (Envoy: RouteConfiguration). The order of routes is the order of precedence: the first that
 * matches wins; the control plane has sorted them as Gateway API asks.
 */
import type { HashKey } from './hash-key.ts'
import type { HttpFilters } from './http-filter.ts'
import type { RuleRef } from './object-ref.ts'

export interface RouteConfiguration {
  name: string
  virtualHosts: readonly VirtualHost[]
}

export interface VirtualHost {
  name: string
  /** Host names, with or without port, `*.suffix`, `prefix.*` or `*`; the longest match wins, exact names before wildcards. */
  domains: readonly string[]
  routes: readonly Route[]
}

export interface Route {
  /** Unique in its virtual host, for logs: `HTTPRoute/shop/reviews rule 0 match 1`. */
  name: string
  match: RouteMatch
  action: RouteAction
  requestHeaders?: HeaderMutation
  responseHeaders?: HeaderMutation
  cors?: CorsPolicy
  /** Each that is here stands in place of the listener's. */
  filters?: HttpFilters
  /** The user's rule that this comes from. Absent for what Weft adds itself. */
  rule?: RuleRef
}

export interface RouteMatch {
  path: PathMatch
  /** All must hold. */
  headers: readonly ValueMatch[]
  query: readonly ValueMatch[]
  /** Upper-case; absent for any. */
  method?: string
  /** Only gRPC: POST with `content-type: application/grpc`, alone or with `+` or `;` behind (Envoy: `grpc`). */
  isGrpc?: boolean
}

/**
 * `prefix` compares characters (Envoy), `segment-prefix` whole path elements (Gateway API PathPrefix: `/foo` matches
 * `/foo` and `/foo/bar`, not `/foobar`; it carries no trailing slash). `regex` is RE2 and matches the whole path.
 */
export interface PathMatch {
  type: 'exact' | 'prefix' | 'segment-prefix' | 'regex'
  value: string
}

/** A header or query parameter by its value. Header names are lower-case. */
export interface ValueMatch {
  name: string
  type: 'exact' | 'regex' | 'prefix' | 'suffix' | 'contains' | 'present'
  /** Empty for `present`. */
  value: string
  isInverted: boolean
}

export type RouteAction = ForwardAction | RedirectAction | RespondAction

export interface ForwardAction {
  type: 'forward'
  /** Weights of 0 get nothing. Never empty. */
  backends: readonly WeightedBackend[]
  /** Of the whole request, attempts included, ms; 0 for none. */
  timeoutMs: number
  retry?: RetryPolicy
  /** By which clusters that hash choose an endpoint. */
  hashOn?: readonly HashKey[]
  rewrite?: { host?: string; path?: PathRewrite }
  mirrors: readonly Mirror[]
}

/** A share of the traffic. An `invalid` one answers 500 for its share (Gateway API, `BackendRefs`). */
export type WeightedBackend = { weight: number; requestHeaders?: HeaderMutation; responseHeaders?: HeaderMutation } & (
  | { type: 'cluster'; cluster: string }
  | { type: 'invalid'; reason: string }
)

/** `prefix` replaces the matched prefix, `full` the whole path, the query stays; `regex` replaces what RE2 matches (\1 is a group). */
export type PathRewrite =
  | { type: 'prefix'; value: string }
  | { type: 'full'; value: string }
  | { type: 'regex'; pattern: string; substitution: string }

export interface Mirror {
  cluster: string
  /** Share of requests, numerator of `denominator`. */
  numerator: number
  denominator: 100 | 10_000 | 1_000_000
}

export interface RetryPolicy {
  /** Tries after the first; 0 when the policy only limits the time of the one attempt. */
  attempts: number
  /** HTTP statuses that are tried again. */
  statuses: readonly number[]
  /** Failed connections, resets before an answer. */
  onConnectFailure: boolean
  onReset: boolean
  /** gRPC statuses, as numbers, that are tried again when an answer is trailers-only: nothing but a head that holds one. */
  grpcStatuses?: readonly number[]
  /** Of one attempt, ms; 0 for none. */
  attemptTimeoutMs: number
  /** The first wait, ms; 0 lets the proxy choose (25). */
  backoffMs: number
}

export interface RedirectAction {
  type: 'redirect'
  scheme?: 'http' | 'https'
  host?: string
  /** Absent: none beside `host`, else the client's own (as Envoy's RedirectAction). */
  port?: number
  path?: PathRewrite
  status: 301 | 302 | 303 | 307 | 308
}

export interface RespondAction {
  type: 'respond'
  status: number
  /** Sent as text/plain; empty for none. */
  body: string
}

/** Gateway API HTTPHeaderFilter: remove, then set, then add. Names are lower-case. */
export interface HeaderMutation {
  set: readonly HeaderValue[]
  add: readonly HeaderValue[]
  remove: readonly string[]
}

export interface HeaderValue {
  name: string
  value: string
}

/** Gateway API HTTPCORSFilter. */
export interface CorsPolicy {
  /** `https://shop.example`, with `*` for any part, or `*` alone. */
  allowOrigins: readonly string[]
  allowMethods: readonly string[]
  allowHeaders: readonly string[]
  exposeHeaders: readonly string[]
  allowCredentials: boolean
  maxAgeSeconds: number
}
