/** envoy.extensions.filters.http.jwt_authn.v3 → JwtRules. Keys come inline: this proxy fetches none itself. */
import { emptyKeySet, type JwtProvider, type JwtRules, jwtMetadata } from '#/model/authentication.ts'
import type { FieldReader } from './field-reader.ts'
import type { HttpFilterDecoder } from './http-filter.ts'

const defaultClockSkewSeconds = 60

function readKeySet(provider: FieldReader): string {
  if (provider.has('remote_jwks')) {
    provider.message('remote_jwks')?.skip()
    provider.fault('remote_jwks', 'unsupported by this proxy: the control plane sends keys as local_jwks')
    return emptyKeySet
  }
  const source = provider.message('local_jwks')
  const text = source?.string('inline_string') || source?.text('inline_bytes') || ''
  if (text === '') provider.fault('local_jwks', 'holds no inline key set')
  return text
}

function readProvider(name: string, provider: FieldReader): JwtProvider {
  const metadata = provider.string('payload_in_metadata')
  if (metadata !== '' && metadata !== jwtMetadata.key)
    provider.fault('payload_in_metadata', `only ${jwtMetadata.key} is supported by this proxy`)
  // What is verified once is kept anyway.
  provider.ignore('jwt_cache_config')
  const skew = provider.number('clock_skew_seconds')
  const issuer = provider.string('issuer')
  if (issuer === '') provider.fault('issuer', 'is empty: a token has to be of somebody')
  return {
    name,
    issuer,
    audiences: provider.strings('audiences'),
    keySet: readKeySet(provider),
    from: {
      headers: provider.messages('from_headers').map((header) => ({
        name: header.string('name').toLowerCase(),
        prefix: header.string('value_prefix'),
      })),
      params: provider.strings('from_params'),
      cookies: provider.strings('from_cookies'),
    },
    claimsToHeaders: provider.messages('claim_to_headers').map((entry) => ({
      header: entry.string('header_name').toLowerCase(),
      claim: entry.string('claim_name'),
    })),
    isForwarded: provider.boolean('forward'),
    clockSkewSeconds: skew === 0 ? defaultClockSkewSeconds : skew,
  }
}

/** Any one of all providers, or any one and none at all. */
function readRequirement(requires: FieldReader, providers: ReadonlySet<string>): JwtRules['requirement'] {
  const any = requires.message('requires_any')
  const alternatives = any ? any.messages('requirements') : [requires]
  const named = new Set<string>()
  let isOptional = false
  for (const alternative of alternatives) {
    if (alternative.has('allow_missing')) {
      alternative.message('allow_missing')
      isOptional = true
      continue
    }
    const name = alternative.string('provider_name')
    if (!providers.has(name)) alternative.fault('provider_name', `${name || 'nothing'} is no provider`)
    named.add(name)
  }
  if (named.size < providers.size && named.size > 0)
    requires.fault('', 'has to name all providers to be supported by this proxy')
  return isOptional ? 'optional' : 'required'
}

function readRules(config: FieldReader): JwtRules {
  const providers = [...config.map('providers')].map(([name, provider]) => readProvider(name, provider))
  config.boolean('strip_failure_response')
  if (providers.length > 0 && !config.boolean('bypass_cors_preflight'))
    config.fault('bypass_cors_preflight', 'must be true for this proxy: browsers send no token with a preflight')
  const names = new Set(providers.map(({ name }) => name))
  const rules = config.messages('rules')
  if (rules.length !== 1) config.fault('rules', 'exactly one rule is supported by this proxy')
  let requirement: JwtRules['requirement'] = 'required'
  for (const rule of rules) {
    const match = rule.message('match')
    if (match?.string('prefix') !== '/') rule.fault('match', 'only the prefix / is supported by this proxy')
    const requires = rule.message('requires')
    if (requires) requirement = readRequirement(requires, names)
    else rule.fault('requires', 'is missing')
  }
  return { providers, requirement }
}

export const jwtDecoder: HttpFilterDecoder = {
  typeName: 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
  routeTypeName: 'envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig',
  read(config, filters) {
    filters.jwt = readRules(config)
  },
  readRoute(config) {
    config.fault('', 'unsupported by this proxy: a listener asks for tokens for all its routes alike')
  },
}
