/** RouteAction.HashPolicy → HashKey. */
import type { HashKey } from '#/model/hash-key.ts'
import type { FieldReader } from './field-reader.ts'

export function readHashPolicies(policies: readonly FieldReader[]): HashKey[] {
  return policies.flatMap((policy, index) => {
    // Of keys that are no end Envoy makes one hash.
    if (!policy.boolean('terminal') && index < policies.length - 1)
      policy.fault('terminal', 'keys that are mixed with others are unsupported by this proxy')
    return readKey(policy) ?? []
  })
}

function readKey(policy: FieldReader): HashKey | undefined {
  const header = policy.message('header')
  if (header) {
    const name = header.string('header_name').toLowerCase()
    return name === ':path' ? { type: 'path' } : { type: 'header', name }
  }
  // One with a time to live would have to be made where it is missing: left unread, and so refused.
  const cookie = policy.message('cookie')
  if (cookie) return { type: 'cookie', name: cookie.string('name') }
  const query = policy.message('query_parameter')
  if (query) return { type: 'query', name: query.string('name') }
  if (policy.message('connection_properties')?.boolean('source_ip')) return { type: 'source' }
  policy.fault('', 'only header, cookie, query_parameter and source_ip are supported by this proxy')
  return undefined
}
