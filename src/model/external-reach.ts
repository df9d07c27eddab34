/** A destination outside the mesh: under which names it is called, and by whom. */

export interface ExternalReach {
  /** Exact, or `*.suffix`, which stands for one label or more (Gateway API, `Hostname`). */
  hosts: readonly string[]
  /** Addresses that redirected connections to it are for. */
  addresses: readonly string[]
  /** Namespaces whose workloads may call it. */
  callers: 'all' | readonly string[]
}

export function mayCall({ callers }: ExternalReach, namespace: string): boolean {
  return callers === 'all' || callers.includes(namespace)
}

/**
 * The names under which a host may be listed, the most specific first: `a.b.example`, `*.b.example`, `*.example`.
 * @param host in lower case; an address has itself alone.
 */
export function* coveringHosts(host: string): Generator<string> {
  yield host
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) yield `*${host.slice(dot)}`
}
