/** The names of a certificate, and whether one of them is wanted. */

export interface SubjectNames {
  /** Lower-case, perhaps `*.suffix`. */
  dns: readonly string[]
  uri: readonly string[]
  ip: readonly string[]
}

/**
 * Reads the subject alternative names as Node writes them: `DNS:a.example, URI:spiffe://x`. A value with a comma or a quote
 * is a JSON string, so that no name can pretend to be two.
 */
export function parseSubjectNames(text: string | undefined): SubjectNames {
  const names = { dns: [] as string[], uri: [] as string[], ip: [] as string[] }
  const entry = /(DNS|URI|IP Address|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy
  for (let found = entry.exec(text ?? ''); found; found = entry.exec(text ?? '')) {
    const [, kind, raw = ''] = found
    const value = raw.startsWith('"') ? String(JSON.parse(raw)) : raw
    if (kind === 'DNS') names.dns.push(value.toLowerCase())
    else if (kind === 'URI') names.uri.push(value)
    else if (kind === 'IP Address') names.ip.push(value)
    if (entry.lastIndex >= (text ?? '').length) break
  }
  return names
}

/** A wildcard stands for exactly one label, the leftmost (RFC 9525 section 6.3). Both lower-case. */
export function dnsNameFits(pattern: string, name: string): boolean {
  if (pattern === name) return true
  if (!pattern.startsWith('*.')) return false
  const dot = name.indexOf('.')
  return dot > 0 && name.slice(dot) === pattern.slice(1)
}

/** @param wanted URI or DNS names, one of which must be there. */
export function hasSubjectName({ dns, uri, ip }: SubjectNames, wanted: readonly string[]): boolean {
  return wanted.some(
    (name) =>
      uri.includes(name) || ip.includes(name) || dns.some((pattern) => dnsNameFits(pattern, name.toLowerCase())),
  )
}

/** Whether a certificate speaks for a host. One without DNS names (a SPIFFE identity) says nothing about hosts: for any. */
export function coversHost({ dns, ip }: SubjectNames, host: string): boolean {
  if (dns.length + ip.length === 0) return true
  return ip.includes(host) || dns.some((pattern) => dnsNameFits(pattern, host.toLowerCase()))
}

/** For messages. */
export function listSubjectNames({ dns, uri, ip }: SubjectNames): string {
  return [...uri, ...dns, ...ip].join(', ') || 'no name'
}
