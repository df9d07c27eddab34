/** Kinds of the API and their paths (API concepts, "Resource URIs"). */

export interface Resource {
  /** Empty for the core. */
  group: string
  version: string
  /** As in the path: `httproutes`. */
  plural: string
  isNamespaced: boolean
}

export interface ObjectName {
  name: string
  namespace?: string
}

/** The path of all objects, of those of a namespace, or of one. */
export function resourcePath(
  { group, version, plural }: Resource,
  { name, namespace }: Partial<ObjectName> = {},
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const home = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${root}${home}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}

/** `HTTPRoute` → `httproutes`: English plurals, as all kinds that Weft reads have them. */
export function pluralOf(kind: string): string {
  const lower = kind.toLowerCase()
  if (lower.endsWith('y')) return `${lower.slice(0, -1)}ies`
  return /(s|sh|ch|x)$/.test(lower) ? `${lower}es` : `${lower}s`
}

/** `httproutes.gateway.networking.k8s.io`, as kubectl names them. */
export function resourceTitle({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`
}

/** What every object has, as far as this client reads it. */
export interface ApiObject {
  apiVersion?: string
  kind?: string
  metadata: { name: string; namespace?: string; resourceVersion?: string; uid?: string; [field: string]: unknown }
}
