/** `from` of an AccessPolicy → who is meant. */
import type { AccessClaim, AccessSource } from '#/api/access-policy.ts'
import { readIpBlock } from '#/api/access-policy-rules.ts'
import type { Combined, Principal, TextMatch } from '#/model/access.ts'
import { allOf, type Bias, notOf, oneOf } from './condition.ts'

export interface SourceScope {
  /** Of the policy. */
  namespace: string
  /** Of the mesh. */
  trustDomain: string
  /** `least` for what is allowed: who is not verified is then nobody that could be told apart from the excluded. */
  bias: Bias
}

function authenticated(type: TextMatch['type'], value: string): Combined<Principal> {
  return { type: 'authenticated', match: { type, value } }
}

const verified = authenticated('prefix', 'spiffe://')

/** @returns one condition; several sources are alternatives. */
export function principalOf(sources: readonly AccessSource[] | undefined, scope: SourceScope): Combined<Principal> {
  return sources ? oneOf(sources.map((source) => sourceOf(source, scope))) : { type: 'any' }
}

function sourceOf(source: AccessSource, scope: SourceScope): Combined<Principal> {
  const domains = source.trustDomains ?? [scope.trustDomain]
  const accounts = (list: readonly string[] | undefined, of = domains): Combined<Principal>[] =>
    (list ?? []).flatMap((text) => of.map((domain) => accountOf(text, domain, scope)))
  const namespaces = (list: readonly string[] | undefined): Combined<Principal>[] =>
    (list ?? []).flatMap((name) =>
      domains.map((domain) => authenticated('prefix', `spiffe://${domain}/ns/${name}/sa/`)),
    )
  const inDomains = (list: readonly string[] | undefined): Combined<Principal>[] =>
    (list ?? []).map((domain) => authenticated('prefix', `spiffe://${domain}/`))
  const wanted = [accounts(source.serviceAccounts), namespaces(source.namespaces), inDomains(source.trustDomains)]
  const unwanted = [
    ...accounts(source.notServiceAccounts),
    ...namespaces(source.notNamespaces),
    ...inDomains(source.notTrustDomains),
  ]
  return allOf([
    ...wanted.filter((list) => list.length > 0).map((list) => oneOf(list)),
    ...(unwanted.length > 0 ? [notOf(oneOf(unwanted)), ...(scope.bias === 'least' ? [verified] : [])] : []),
    ...(source.ipBlocks ? [oneOf(source.ipBlocks.map(blockOf))] : []),
    ...(source.notIpBlocks ? [notOf(oneOf(source.notIpBlocks.map(blockOf)))] : []),
    ...(source.claims ?? []).map(claimOf),
    ...(source.notClaims ? [notOf(oneOf(source.notClaims.map(claimOf)))] : []),
  ])
}

function accountOf(text: string, domain: string, { namespace }: SourceScope): Combined<Principal> {
  if (text === '*') return verified
  const slash = text.indexOf('/')
  const space = slash < 0 ? namespace : text.slice(0, slash)
  const name = text.slice(slash + 1)
  const prefix = `spiffe://${domain}/ns/${space}/sa/`
  return name === '*' ? authenticated('prefix', prefix) : authenticated('exact', prefix + name)
}

function claimOf({ name, values }: AccessClaim): Combined<Principal> {
  const path = name.includes('/') ? [name] : name.split('.')
  return oneOf(values.map((value) => ({ type: 'claim' as const, path, match: { type: 'exact' as const, value } })))
}

function blockOf(text: string): Combined<Principal> {
  return { type: 'address', block: readIpBlock(text)! }
}
