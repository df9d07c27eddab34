/**
 * Cross-origin resource sharing (Gateway API HTTPCORSFilter; Fetch standard, "CORS protocol"). The proxy answers
 * preflights itself and marks the answers to actual requests. An origin that is not allowed gets no permission: its
 * preflight is answered 200 without one, as Envoy does, and a permission that the application gave is taken back.
 */
import { getHeader, type HeaderList, type RequestHead, removeHeader, setHeader } from '#/codec/message.ts'
import type { CorsPolicy } from '#/model/route.ts'

interface OriginPattern {
  /** Pieces between the stars, of the whole origin with its default port left out. */
  pieces: readonly string[]
}

export interface CompiledCors {
  readonly policy: CorsPolicy
  readonly allowsAnyOrigin: boolean
  readonly exactOrigins: ReadonlySet<string>
  readonly patterns: readonly OriginPattern[]
  /** Header values joined once; `*` is written out a request when credentials are allowed. */
  readonly allowMethods: string
  readonly allowHeaders: string
  readonly exposeHeaders: string
  readonly maxAge: string
}

export function compileCors(policy: CorsPolicy): CompiledCors {
  const origins = policy.allowOrigins.map(normalizeOrigin)
  // With credentials a `*` in Expose-Headers would mean a header of that name (Fetch, "Access-Control-Expose-Headers").
  const exposed = policy.exposeHeaders.filter((name) => name !== '*' || !policy.allowCredentials)
  return {
    policy,
    allowsAnyOrigin: origins.includes('*'),
    exactOrigins: new Set(origins.filter((origin) => !origin.includes('*'))),
    patterns: origins.filter((origin) => origin.includes('*')).map((origin) => ({ pieces: origin.split('*') })),
    allowMethods: policy.allowMethods.includes('*') ? '*' : policy.allowMethods.join(', '),
    allowHeaders: policy.allowHeaders.includes('*') ? '*' : policy.allowHeaders.join(', '),
    exposeHeaders: exposed.includes('*') ? '*' : exposed.join(', '),
    maxAge: policy.maxAgeSeconds > 0 ? String(policy.maxAgeSeconds) : '',
  }
}

/** Port 80 of http and 443 of https are left out, as browsers write origins; scheme and host in lower case. */
function normalizeOrigin(origin: string): string {
  const lower = origin.toLowerCase()
  if (lower.startsWith('http://') && lower.endsWith(':80')) return lower.slice(0, -3)
  if (lower.startsWith('https://') && lower.endsWith(':443')) return lower.slice(0, -4)
  return lower
}

/** Whether the request is a preflight: OPTIONS with `Origin` and `Access-Control-Request-Method`. */
export function isPreflight(head: RequestHead): boolean {
  return (
    head.method === 'OPTIONS' &&
    getHeader(head.headers, 'origin') !== undefined &&
    getHeader(head.headers, 'access-control-request-method') !== undefined
  )
}

/** The origin of the request when the policy allows it, else empty. */
export function allowedOrigin(cors: CompiledCors, requestHeaders: HeaderList): string {
  const origin = getHeader(requestHeaders, 'origin')
  if (origin === undefined || origin === '') return ''
  if (cors.allowsAnyOrigin) return origin
  const normal = normalizeOrigin(origin)
  if (cors.exactOrigins.has(normal)) return origin
  return cors.patterns.some((pattern) => originMatches(pattern, normal)) ? origin : ''
}

/** Stars take any characters of a host, dots included, but no port: one that is not written in the pattern is a default. */
function originMatches({ pieces }: OriginPattern, origin: string): boolean {
  const first = pieces[0]!
  const last = pieces[pieces.length - 1]!
  if (!origin.startsWith(first) || !origin.endsWith(last) || origin.length < first.length + last.length) return false
  let at = first.length
  for (let i = 1; i < pieces.length - 1; i++) {
    const found = origin.indexOf(pieces[i]!, at)
    if (found < 0) return false
    at = found + pieces[i]!.length
  }
  return at <= origin.length - last.length && (last.includes(':') || !writtenPort.test(origin))
}

const writtenPort = /:\d+$/

/** The headers of a preflight's answer, whose status is 200 and which has no body. */
export function preflightHeaders(cors: CompiledCors, head: RequestHead): HeaderList {
  const origin = allowedOrigin(cors, head.headers)
  const headers: HeaderList = []
  if (origin !== '') {
    pushPermission(cors, origin, headers)
    const { allowCredentials } = cors.policy
    const asked = getHeader(head.headers, 'access-control-request-headers')
    const methods = allowCredentials && cors.allowMethods === '*' ? requestedMethod(head) : cors.allowMethods
    const names = allowCredentials && cors.allowHeaders === '*' ? (asked ?? '') : cors.allowHeaders
    if (methods !== '') headers.push('access-control-allow-methods', methods)
    if (names !== '') headers.push('access-control-allow-headers', names)
    if (cors.exposeHeaders !== '') headers.push('access-control-expose-headers', cors.exposeHeaders)
    if (cors.maxAge !== '') headers.push('access-control-max-age', cors.maxAge)
  }
  varyByOrigin(cors, headers)
  return headers
}

function requestedMethod(head: RequestHead): string {
  return getHeader(head.headers, 'access-control-request-method') ?? ''
}

/**
 * Marks the answer to an actual request, in place. Called for every answer of the route, so that a cache never hands one
 * origin's permission to another (Fetch, "CORS protocol and HTTP caches").
 * @param origin what `allowedOrigin` gave for the request.
 */
export function applyCors(cors: CompiledCors, origin: string, responseHeaders: HeaderList): void {
  for (const name of grantedByApplication) removeHeader(responseHeaders, name)
  if (origin !== '') {
    pushPermission(cors, origin, responseHeaders)
    if (cors.exposeHeaders !== '') responseHeaders.push('access-control-expose-headers', cors.exposeHeaders)
  }
  varyByOrigin(cors, responseHeaders)
}

const grantedByApplication = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
]

function pushPermission(cors: CompiledCors, origin: string, headers: HeaderList): void {
  const { allowCredentials } = cors.policy
  headers.push('access-control-allow-origin', cors.allowsAnyOrigin && !allowCredentials ? '*' : origin)
  if (allowCredentials) headers.push('access-control-allow-credentials', 'true')
}

function varyByOrigin(cors: CompiledCors, headers: HeaderList): void {
  if (cors.allowsAnyOrigin && !cors.policy.allowCredentials) return
  const vary = getHeader(headers, 'vary')
  if (vary === undefined) headers.push('vary', 'origin')
  else if (vary !== '*' && !/(^|,)\s*origin\s*(,|$)/i.test(vary)) setHeader(headers, 'vary', `${vary}, origin`)
}
