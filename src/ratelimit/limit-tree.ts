/** Which limit a descriptor has: the tree that a domain's configuration draws, and the way through it. */

export type LimitUnit = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year'

/** A month is 30 days and a year 365, as in Envoy's own service. */
const unitMs: Readonly<Record<LimitUnit, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
}

export interface Limit {
  /** For metrics: the keys on the way, without values that the configuration does not name. */
  name: string
  requests: number
  unit: LimitUnit
  windowMs: number
  /** Counted and told in metrics, never refused. */
  isShadow: boolean
}

export interface DescriptorNode {
  limit?: Limit
  /** By key and value, see `childKey`. */
  readonly children: Map<string, DescriptorNode>
}

export interface DescriptorEntry {
  key: string
  value: string
}

/** Domain → its tree. */
export type LimitForest = ReadonlyMap<string, DescriptorNode>

export function newLimit(name: string, requests: number, unit: LimitUnit, isShadow = false): Limit {
  return { name, requests, unit, windowMs: unitMs[unit], isShadow }
}

/** @param value undefined: any. */
export function childKey(key: string, value?: string): string {
  return value === undefined ? key : `${key}\0${value}`
}

/**
 * A named value goes before any value. Only the node of the last entry has a say: a limit on the way is for shorter descriptors.
 * @returns undefined where nothing limits it.
 */
export function findLimit(root: DescriptorNode | undefined, entries: readonly DescriptorEntry[]): Limit | undefined {
  let node = root
  for (const { key, value } of entries)
    node = node?.children.get(childKey(key, value)) ?? node?.children.get(childKey(key))
  return node === root ? undefined : node?.limit
}

/** The name of a descriptor's counter. Lengths stand in front, so that no two descriptors share one. */
export function counterKey(domain: string, entries: readonly DescriptorEntry[], limit: Limit): string {
  let key = `${domain.length}:${domain}`
  for (const entry of entries) key += `|${entry.key.length}:${entry.key}=${entry.value.length}:${entry.value}`
  return `${key}|${limit.unit}`
}
