/** The action of an envoy.config.route.v3.Route → RouteAction. */
import type {
  ForwardAction,
  Mirror,
  PathRewrite,
  RedirectAction,
  RetryPolicy,
  RouteAction,
  WeightedBackend,
} from '#/model/route.ts'
import type { FieldReader } from './field-reader.ts'
import { readHashPolicies } from './hash-policy.ts'
import { readMutation } from './header-mutation.ts'
import { factText, type WeftFacts } from './part.ts'

/** Envoy's default when a route says nothing (RouteAction.timeout), ms. */
const defaultTimeoutMs = 15_000
export const invalidBackendCluster = 'weft.dev/invalid-backend'

/** Our control plane tells the rewrite as the user wrote it; Envoy's fields say the same with less. */
function hintedRewrite(facts: WeftFacts): PathRewrite | undefined {
  const hint = factText(facts, 'rewrite')
  const space = hint.indexOf(' ')
  if (space < 0) return undefined
  return { type: hint.slice(0, space) as 'prefix' | 'full', value: hint.slice(space + 1) }
}

function readRegexRewrite(reader: FieldReader | undefined): PathRewrite | undefined {
  if (!reader) return undefined
  const pattern = reader.message('pattern')?.string('regex') ?? ''
  const substitution = reader.string('substitution')
  return { type: 'regex', pattern, substitution }
}

function readPathRewrite(reader: FieldReader, facts: WeftFacts): PathRewrite | undefined {
  const regex = readRegexRewrite(reader.message('regex_rewrite'))
  const prefix = reader.string('prefix_rewrite')
  return hintedRewrite(facts) ?? regex ?? (prefix === '' ? undefined : { type: 'prefix', value: prefix })
}

function backendOf(cluster: string): WeightedBackend {
  return cluster === invalidBackendCluster
    ? { type: 'invalid', reason: 'the backendRef is invalid', weight: 1 }
    : { type: 'cluster', cluster, weight: 1 }
}

function readBackends(reader: FieldReader): WeightedBackend[] {
  const weighted = reader.message('weighted_clusters')
  if (!weighted) {
    const cluster = reader.string('cluster')
    if (cluster === '') reader.fault('cluster', 'only cluster and weighted_clusters are supported by this proxy')
    return [backendOf(cluster)]
  }
  const backends = weighted.messages('clusters').map((entry) => {
    const backend = { ...backendOf(entry.string('name')), weight: entry.wrappedNumber('weight') ?? 1 }
    const requestHeaders = readMutation(entry, 'request')
    const responseHeaders = readMutation(entry, 'response')
    return {
      ...backend,
      ...(requestHeaders ? { requestHeaders } : {}),
      ...(responseHeaders ? { responseHeaders } : {}),
    }
  })
  if (backends.length === 0) weighted.fault('clusters', 'is empty')
  return backends
}

const knownConditions = new Set([
  'connect-failure',
  'refused-stream',
  'reset',
  'retriable-status-codes',
  '5xx',
  'gateway-error',
  'unavailable',
  'cancelled',
])
const gatewayErrors = [502, 503, 504]

function readRetry(reader: FieldReader | undefined): RetryPolicy | undefined {
  if (!reader) return undefined
  const conditions = reader
    .string('retry_on')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  for (const condition of conditions)
    if (!knownConditions.has(condition)) reader.fault('retry_on', `${condition} is unsupported by this proxy`)
  const statuses = [...reader.numbers('retriable_status_codes')]
  if (conditions.includes('gateway-error')) statuses.push(...gatewayErrors)
  if (conditions.includes('5xx')) statuses.push(...Array.from({ length: 100 }, (_, index) => 500 + index))
  const backoff = reader.message('retry_back_off')
  const policy: RetryPolicy = {
    attempts: reader.wrappedNumber('num_retries') ?? 1,
    statuses,
    onConnectFailure: conditions.includes('connect-failure') || conditions.includes('5xx'),
    onReset: conditions.includes('reset') || conditions.includes('5xx'),
    attemptTimeoutMs: reader.durationMs('per_try_timeout') ?? 0,
    backoffMs: backoff?.durationMs('base_interval') ?? 0,
  }
  reader.ignore('host_selection_retry_max_attempts', 'retry_host_predicate', 'retry_priority')
  return policy
}

const denominators: Readonly<Record<string, Mirror['denominator']>> = {
  HUNDRED: 100,
  TEN_THOUSAND: 10_000,
  MILLION: 1_000_000,
}

function readMirror(reader: FieldReader): Mirror {
  const cluster = reader.string('cluster')
  const fraction = reader.message('runtime_fraction')
  const value = fraction?.message('default_value')
  reader.ignore('trace_sampled', 'disable_shadow_host_suffix_append')
  if (!value) return { cluster, numerator: 100, denominator: 100 }
  return {
    cluster,
    numerator: value.number('numerator'),
    denominator: denominators[value.enumeration('denominator', 'HUNDRED')] ?? 100,
  }
}

function readForward(reader: FieldReader, facts: WeftFacts): ForwardAction {
  const backends = readBackends(reader)
  const path = readPathRewrite(reader, facts)
  const host = reader.string('host_rewrite_literal')
  const retry = readRetry(reader.message('retry_policy'))
  const hashOn = readHashPolicies(reader.messages('hash_policy'))
  const action: ForwardAction = {
    type: 'forward',
    backends,
    timeoutMs: reader.durationMs('timeout') ?? defaultTimeoutMs,
    ...(retry ? { retry } : {}),
    ...(hashOn.length > 0 ? { hashOn } : {}),
    ...(host !== '' || path ? { rewrite: { ...(host === '' ? {} : { host }), ...(path ? { path } : {}) } } : {}),
    mirrors: reader.messages('request_mirror_policies').map(readMirror),
  }
  reader.ignore('cluster_not_found_response_code')
  return action
}

const redirectStatuses: Readonly<Record<string, RedirectAction['status']>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
}

function readRedirect(reader: FieldReader, facts: WeftFacts): RedirectAction {
  const scheme = reader.boolean('https_redirect') ? 'https' : reader.string('scheme_redirect')
  if (scheme !== '' && scheme !== 'http' && scheme !== 'https') reader.fault('scheme_redirect', 'must be http or https')
  const host = reader.string('host_redirect')
  const port = reader.number('port_redirect')
  const full = reader.string('path_redirect')
  const path = readPathRewrite(reader, facts) ?? (full === '' ? undefined : { type: 'full' as const, value: full })
  const status = redirectStatuses[reader.enumeration('response_code', 'MOVED_PERMANENTLY')] ?? 301
  if (reader.boolean('strip_query')) reader.fault('strip_query', 'unsupported by this proxy')
  return {
    type: 'redirect',
    ...(scheme === '' ? {} : { scheme: scheme as 'http' | 'https' }),
    ...(host === '' ? {} : { host }),
    ...(port === 0 ? {} : { port }),
    ...(path ? { path } : {}),
    status,
  }
}

export function readAction(reader: FieldReader, facts: WeftFacts): RouteAction {
  const forward = reader.message('route')
  if (forward) return readForward(forward, facts)
  const redirect = reader.message('redirect')
  if (redirect) return readRedirect(redirect, facts)
  const direct = reader.message('direct_response')
  if (direct) {
    const body = direct.message('body')
    const action: RouteAction = {
      type: 'respond',
      status: direct.number('status'),
      body: body?.string('inline_string') ?? '',
    }
    return action
  }
  reader.fault('', 'has no action that this proxy supports')
  return { type: 'respond', status: 500, body: '' }
}
