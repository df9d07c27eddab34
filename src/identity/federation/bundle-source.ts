/** Where the trust bundle of another trust domain comes from (SPIFFE Federation standard, section 5). */
import { parseSpiffeId, trustDomainFault } from '../spiffe/spiffe-id.ts'

export interface BundleSource {
  trustDomain: string
  /** https: no other scheme, no user, no query of secrets. */
  url: string
  /**
   * SPIFFE id of who serves it (profile `https_spiffe`): it is verified by the bundle that is known already. Absent: by the web's authorities
   * (profile `https_web`).
   */
  endpointId?: string
  /** File with a bundle document to begin with; `https_spiffe` needs one. */
  bundleFile?: string
}

/**
 * `other.example=https://bundles.other.example/,id=spiffe://other.example/bundle,bundle=other.json`.
 * @returns why the text is no source, where it is none.
 */
export function parseBundleSource(text: string): BundleSource | string {
  const match = /^([^=,]+)=(https:\/\/[^,\s]+)((?:,(?:id|bundle)=[^,]+)*)$/.exec(text)
  if (!match) return 'expected TRUST-DOMAIN=https://HOST[:PORT]/PATH[,id=SPIFFE-ID,bundle=FILE]'
  const [, trustDomain = '', url = '', more = ''] = match
  const fault = trustDomainFault(trustDomain)
  if (fault !== '') return fault
  if (!URL.canParse(url)) return `${url} is no URL`
  const options = new Map(
    more
      .split(',')
      .filter((part) => part !== '')
      .map((part): [string, string] => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  )
  const endpointId = options.get('id')
  const bundleFile = options.get('bundle')
  if (endpointId !== undefined) {
    const id = parseSpiffeId(endpointId)
    if (typeof id === 'string') return `id: ${id}`
    if (id.trustDomain !== trustDomain) return `id: ${endpointId} is not of ${trustDomain}`
    if (bundleFile === undefined) return 'who is known by a SPIFFE id is verified by a bundle: say bundle=FILE too'
  }
  return { trustDomain, url, ...(endpointId ? { endpointId } : {}), ...(bundleFile ? { bundleFile } : {}) }
}
