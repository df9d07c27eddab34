/**
 * What is equal to the last outcome stays the same object, so that publishing encodes only what changed and a watcher is
 * not told of nothing.
 */

/** Deep equality of plain data (no cycles, no class instances but Map). Absent and undefined fields are the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]))
  if (a instanceof Map) return b instanceof Map && isEqualMap(a, b)
  if (Array.isArray(b) || b instanceof Map) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key in left) if (!isEqual(left[key], right[key])) return false
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false
  return true
}

function isEqualMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (!b.has(key) || !isEqual(value, b.get(key))) return false
  return true
}

/** `next`, with each value that equals its predecessor replaced by it; `previous` itself when nothing differs, order included. */
export function keepMap<V>(previous: ReadonlyMap<string, V> | undefined, next: Map<string, V>): ReadonlyMap<string, V> {
  if (!previous) return next
  const before = previous.keys()
  let isSame = previous.size === next.size
  for (const [key, value] of next) {
    const old = previous.get(key)
    if (old !== undefined && isEqual(old, value)) next.set(key, old)
    else isSame = false
    if (isSame && before.next().value !== key) isSame = false
  }
  return isSame ? previous : next
}

/** The same for a list, whose items are known by `keyOf`. */
export function keepList<V>(
  previous: readonly V[] | undefined,
  next: readonly V[],
  keyOf: (item: V) => string,
): readonly V[] {
  if (!previous) return next
  const old = new Map(previous.map((item) => [keyOf(item), item]))
  const kept = next.map((item) => {
    const before = old.get(keyOf(item))
    return before !== undefined && isEqual(before, item) ? before : item
  })
  const isSame = kept.length === previous.length && kept.every((item, i) => item === previous[i])
  return isSame ? previous : kept
}

/** `read` once for each object: objects never change in place, a changed one is another object. */
export function perObject<K extends object, V>(read: (object: K) => V): (object: K) => V {
  const known = new WeakMap<K, V>()
  return (object) => {
    const old = known.get(object)
    if (old !== undefined) return old
    const value = read(object)
    known.set(object, value)
    return value
  }
}
