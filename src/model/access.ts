/**
 * Who may do what at a listener or a route, in the nouns of Envoy's RBAC (`config.rbac.v3`): rules of principals (who calls)
 * and permissions (what is asked for).
 */
import type { ValueMatch } from './route.ts'

/** In force in this order: a deny that matches refuses; where allows are given one must match; audits are told and change nothing. */
export interface AccessRules {
  deny: readonly AccessRule[]
  /** Absent: no policy allows anything here, so that whatever is not denied may pass. Empty: nothing may pass. */
  allow?: readonly AccessRule[]
  audit: readonly AccessRule[]
}

export interface AccessRule {
  /** Of the policy and its rule, as Envoy's policies are called: `AccessPolicy/shop/orders rule 0`. */
  name: string
  principal: Principal
  permission: Permission
}

/** A deny of our own about the text of paths: a connection that carries no request has none, and is not refused by it. */
export const parametersRuleName = 'weft paths with parameters'

/** An empty `and` holds always, an empty `or` never. */
export type Combined<T> =
  | T
  | { type: 'any' }
  | { type: 'and' | 'or'; conditions: readonly Combined<T>[] }
  | { type: 'not'; condition: Combined<T> }

/**
 * `authenticated` is the caller's verified id, a SPIFFE id; without one it holds for nobody. `claim` is of a token that was found to hold:
 * text that fits, or a list with one; a path of several names leads into objects.
 */
export type Principal = Combined<
  | { type: 'authenticated'; match: TextMatch }
  | { type: 'address'; block: IpBlock }
  | { type: 'claim'; path: readonly string[]; match: TextMatch }
>

/** `path` is without its query. `header` knows `:method` and `:authority`. */
export type Permission = Combined<
  { type: 'port'; port: number } | { type: 'path'; match: PathPattern } | { type: 'header'; match: ValueMatch }
>

export interface TextMatch {
  type: 'exact' | 'prefix' | 'suffix'
  value: string
}

/**
 * `template`: segments, of which `*` or `{name}` is any one that is not empty; `**` at the end is all the rest, be it empty,
 * behind the slash in front of it.
 */
export interface PathPattern {
  type: 'exact' | 'prefix' | 'suffix' | 'contains' | 'template'
  value: string
}

/** Of the peer of the connection. An IPv4 block holds for addresses mapped into IPv6 as well (RFC 4291, section 2.5.5.2). */
export interface IpBlock {
  address: string
  /** 0–32 for IPv4, 0–128 for IPv6. */
  prefixBits: number
}
