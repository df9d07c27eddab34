/** Conditions put together and made small: what can be told now is, and nothing is left that holds always or never. */
import {
  type AccessRule,
  type AccessRules,
  type Combined,
  type Permission,
  type Principal,
  parametersRuleName,
} from '#/model/access.ts'

type Part = { type: string }

export const always = { type: 'any' } as const
/** Holds for nothing. Envoy takes no empty list. */
export const never = { type: 'not', condition: always } as const

export function isAny(condition: Part): boolean {
  return condition.type === 'any'
}

export function isNone(condition: Combined<never> | Part): boolean {
  return condition.type === 'not' && (condition as { condition: Part }).condition.type === 'any'
}

export function allOf<T extends Part>(conditions: readonly Combined<T>[]): Combined<T> {
  const kept = distinct(conditions.filter((condition) => !isAny(condition)))
  if (kept.some(isNone)) return never
  if (kept.length === 0) return always
  return kept.length === 1 ? kept[0]! : { type: 'and', conditions: kept }
}

export function oneOf<T extends Part>(conditions: readonly Combined<T>[]): Combined<T> {
  const kept = distinct(conditions.filter((condition) => !isNone(condition)))
  if (kept.some(isAny)) return always
  if (kept.length === 0) return never
  return kept.length === 1 ? kept[0]! : { type: 'or', conditions: kept }
}

function distinct<T>(conditions: readonly T[]): T[] {
  const seen = new Set<string>()
  return conditions.filter((condition) => {
    const text = JSON.stringify(condition)
    return !seen.has(text) && seen.add(text)
  })
}

export function notOf<T extends Part>(condition: Combined<T>): Combined<T> {
  if (isAny(condition)) return never
  if (condition.type === 'not') return (condition as { condition: Combined<T> }).condition
  return { type: 'not', condition }
}

/** What can't be told counts so that more holds (`most`), or less (`least`). Under a `not` it is the other way round. */
export type Bias = 'most' | 'least'

export function opposite(bias: Bias): Bias {
  return bias === 'most' ? 'least' : 'most'
}

type Leaf = Exclude<Permission | Principal, Combined<never>>
type Told = (leaf: Leaf) => boolean | 'unknown' | undefined

/** @param told what is known of a part: that it holds, that it does not, that it can't be told, or nothing. */
function settle(condition: Combined<Leaf>, told: Told, bias: Bias): Combined<Leaf> {
  switch (condition.type) {
    case 'any':
      return always
    case 'and':
      return allOf(condition.conditions.map((part) => settle(part, told, bias)))
    case 'or':
      return oneOf(condition.conditions.map((part) => settle(part, told, bias)))
    case 'not':
      return notOf(settle(condition.condition, told, opposite(bias)))
    default: {
      const known = told(condition)
      if (known === undefined) return condition
      return known === 'unknown' ? (bias === 'most' ? always : never) : known ? always : never
    }
  }
}

function settleRules(rules: AccessRules, told: Told): AccessRules {
  const all = (list: readonly AccessRule[], bias: Bias): AccessRule[] =>
    list
      .map((rule) => ({
        ...rule,
        principal: settle(rule.principal, told, bias) as AccessRule['principal'],
        permission: settle(rule.permission, told, bias) as AccessRule['permission'],
      }))
      .filter(({ permission, principal }) => !isNone(permission) && !isNone(principal))
  return {
    deny: all(rules.deny, 'most'),
    ...(rules.allow ? { allow: all(rules.allow, 'least') } : {}),
    // As in the proxy: what can't be told is not told.
    audit: all(rules.audit, 'least'),
  }
}

/** At one port of the workload: no rule has to look at it. */
export function atPort(rules: AccessRules, port: number): AccessRules {
  return settleRules(rules, (leaf) => (leaf.type === 'port' ? leaf.port === port : undefined))
}

/**
 * Of a connection that carries no request: of paths, headers and tokens nothing is known, and what can't be told is closed (docs/decisions/0010,
 * Access).
 */
export function ofConnection(rules: AccessRules): AccessRules {
  const deny = rules.deny.filter(({ name }) => name !== parametersRuleName)
  return settleRules({ ...rules, deny }, ({ type }) =>
    type === 'port' || type === 'authenticated' || type === 'address' ? undefined : 'unknown',
  )
}

/** Whether a rule that is in force looks at paths. */
export function looksAtPaths({ deny, allow = [], audit }: AccessRules): boolean {
  return [...deny, ...allow, ...audit].some(({ permission }) => hasPath(permission))
}

function hasPath(condition: Combined<Permission>): boolean {
  if (condition.type === 'and' || condition.type === 'or') return condition.conditions.some(hasPath)
  if (condition.type === 'not') return hasPath(condition.condition)
  return condition.type === 'path' || (condition.type === 'header' && condition.match.name === ':path')
}
