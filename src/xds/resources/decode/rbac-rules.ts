/** The policies of envoy.config.rbac.v3.RBAC → access rules. What this proxy can't tell is a fault by name. */
import type {
  AccessRule,
  AccessRules,
  Combined,
  PathPattern,
  Permission,
  Principal,
  TextMatch,
} from '#/model/access.ts'
import { jwtMetadata } from '#/model/authentication.ts'
import type { FieldReader } from './field-reader.ts'
import { readHeader, readStringMatch } from './route-match.ts'

/** Rules of one filter of the two kinds: http and network. */
export function readAccess(config: FieldReader, access: AccessRules): AccessRules {
  const next = { ...access }
  const rules = config.message('rules')
  if (rules) {
    const action = rules.enumeration('action', 'ALLOW')
    if (action === 'DENY') next.deny = [...next.deny, ...readPolicies(rules)]
    else if (action === 'LOG') next.audit = [...next.audit, ...readPolicies(rules)]
    else if (next.allow) rules.fault('action', 'a second filter of ALLOW is unsupported by this proxy')
    else next.allow = readPolicies(rules)
  }
  const shadow = config.message('shadow_rules')
  if (shadow) {
    // What would have been refused is told: of an ALLOW that would be what no policy matches.
    if (shadow.enumeration('action', 'ALLOW') === 'ALLOW')
      shadow.fault('action', 'ALLOW is unsupported by this proxy for shadow rules')
    next.audit = [...next.audit, ...readPolicies(shadow)]
  }
  config.ignore('shadow_rules_stat_prefix', 'rules_stat_prefix', 'track_per_rule_stats', 'stat_prefix')
  return next
}

export const noAccess: AccessRules = { deny: [], audit: [] }

function readPolicies(rbac: FieldReader): AccessRule[] {
  return [...rbac.map('policies')].map(([name, policy]) => {
    const principals = policy.messages('principals').map(readPrincipal)
    const permissions = policy.messages('permissions').map(readPermission)
    if (principals.length === 0) policy.fault('principals', 'is empty')
    if (permissions.length === 0) policy.fault('permissions', 'is empty')
    return { name, principal: oneOf(principals), permission: oneOf(permissions) }
  })
}

function oneOf<T>(conditions: Combined<T>[]): Combined<T> {
  return conditions.length === 1 ? conditions[0]! : { type: 'or', conditions }
}

function readPrincipal(reader: FieldReader): Combined<Principal> {
  const and = reader.message('and_ids')
  if (and) return { type: 'and', conditions: and.messages('ids').map(readPrincipal) }
  const or = reader.message('or_ids')
  if (or) return { type: 'or', conditions: or.messages('ids').map(readPrincipal) }
  const not = reader.message('not_id')
  if (not) return { type: 'not', condition: readPrincipal(not) }
  if (reader.boolean('any')) return { type: 'any' }
  const authenticated = reader.message('authenticated')
  if (authenticated) return { type: 'authenticated', match: readName(authenticated) }
  const address = reader.message('direct_remote_ip')
  if (address) {
    const prefixBits = address.wrappedNumber('prefix_len') ?? 0
    return { type: 'address', block: { address: address.string('address_prefix'), prefixBits } }
  }
  const claim = reader.message('metadata')
  if (claim) return readClaim(claim)
  reader.fault('', 'has no identifier that this proxy supports')
  return { type: 'or', conditions: [] }
}

/** Without a name any caller that is verified: every id begins with its scheme. */
function readName(authenticated: FieldReader): TextMatch {
  const name = authenticated.message('principal_name')
  if (!name) return { type: 'prefix', value: '' }
  const match = readStringMatch(name)
  if (match && isText(match)) return match
  name.fault('', 'only exact, prefix and suffix are supported by this proxy')
  return { type: 'exact', value: '' }
}

/** Of a token: the text, or one of a list. */
function readClaim(metadata: FieldReader): Combined<Principal> {
  const [key, ...path] = metadata.messages('path').map((segment) => segment.string('key'))
  if (metadata.string('filter') !== jwtMetadata.namespace || key !== jwtMetadata.key || path.length === 0)
    metadata.fault('', `only claims (${jwtMetadata.namespace}, ${jwtMetadata.key}) are supported by this proxy`)
  const value = metadata.message('value')
  const alternatives = value?.message('or_match')?.messages('value_matchers') ?? []
  const ofList = alternatives[1]?.message('list_match')?.message('one_of')?.message('string_match')
  const both = [alternatives[0]?.message('string_match'), ofList].map((text) => text && readStringMatch(text))
  const [match, listed] = both
  if (!match || !isText(match) || alternatives.length !== 2 || JSON.stringify(match) !== JSON.stringify(listed)) {
    metadata.fault('value', 'only the same text, or in a list, is supported by this proxy')
    return { type: 'or', conditions: [] }
  }
  const claim: Principal = { type: 'claim', path, match }
  return metadata.boolean('invert') ? { type: 'not', condition: claim } : claim
}

function isText(match: { type: string; value: string }): match is TextMatch {
  return match.type === 'exact' || match.type === 'prefix' || match.type === 'suffix'
}

function readPermission(reader: FieldReader): Combined<Permission> {
  const and = reader.message('and_rules')
  if (and) return { type: 'and', conditions: and.messages('rules').map(readPermission) }
  const or = reader.message('or_rules')
  if (or) return { type: 'or', conditions: or.messages('rules').map(readPermission) }
  const not = reader.message('not_rule')
  if (not) return { type: 'not', condition: readPermission(not) }
  if (reader.boolean('any')) return { type: 'any' }
  if (reader.has('destination_port')) return { type: 'port', port: reader.number('destination_port') }
  const header = reader.message('header')
  if (header) return { type: 'header', match: readHeader(header) }
  const path = reader.message('url_path')
  if (path) return { type: 'path', match: readPath(path) }
  reader.fault('', 'has no rule that this proxy supports')
  return { type: 'or', conditions: [] }
}

function readPath(reader: FieldReader): PathPattern {
  const matcher = reader.message('path')
  const match = matcher && readStringMatch(matcher)
  if (match && match.type !== 'regex' && match.type !== 'present') return { type: match.type, value: match.value }
  const template = match?.type === 'regex' ? readTemplate(match.value) : undefined
  if (template === undefined)
    reader.fault(
      'path',
      'only exact, prefix, suffix, contains, and patterns of whole segments are supported by this proxy',
    )
  return { type: 'template', value: template ?? '/' }
}

/** The other way of what the encoder writes; undefined for any other pattern. */
function readTemplate(regex: string): string | undefined {
  if (!regex.startsWith('/')) return undefined
  // A class that holds a slash is no place to cut.
  const segments = regex.replaceAll('[^/]+', '*').slice(1).split('/')
  const parts: string[] = []
  for (const [index, segment] of segments.entries()) {
    if (segment === '.*' && index === segments.length - 1) parts.push('**')
    else if (segment === '*') parts.push('*')
    else {
      const text = segment.replace(/\\(.)/g, '$1')
      if (/[*{}]/.test(text) || /(^|[^\\])[.+?^$()[\]|]/.test(segment)) return undefined
      parts.push(text)
    }
  }
  return `/${parts.join('/')}`
}
