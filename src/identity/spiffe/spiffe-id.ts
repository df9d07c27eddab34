/** Names of workloads: `spiffe://TRUST-DOMAIN/PATH`. Source: SPIFFE-ID standard, section 2. */

export interface SpiffeId {
  trustDomain: string
  /** Empty, or with its leading slash. */
  path: string
}

/** Of the whole and of its first part, bytes (section 2.3, and section 2.1 by RFC 3986's host). */
const idBytesMax = 2048
const trustDomainBytesMax = 255

const scheme = 'spiffe://'

/** Why the text is no trust domain's name; empty when it is one. */
export function trustDomainFault(text: string): string {
  if (text === '') return 'the trust domain is missing'
  if (text.length > trustDomainBytesMax) return `the trust domain is longer than ${trustDomainBytesMax} bytes`
  return /^[a-z0-9._-]+$/.test(text)
    ? ''
    : 'a trust domain has lower-case letters, digits, dots, dashes and underscores'
}

/**
 * Strictly: whoever matches names as text must never see two spellings of one.
 * @returns the id, or why it is none.
 */
export function parseSpiffeId(text: string): SpiffeId | string {
  if (text.length > idBytesMax) return `an id is longer than ${idBytesMax} bytes`
  if (!text.startsWith(scheme)) return 'it does not begin with spiffe://'
  const rest = text.slice(scheme.length)
  const slash = rest.indexOf('/')
  const trustDomain = slash < 0 ? rest : rest.slice(0, slash)
  const path = slash < 0 ? '' : rest.slice(slash)
  const fault = trustDomainFault(trustDomain) || pathFault(path)
  return fault === '' ? { trustDomain, path } : fault
}

function pathFault(path: string): string {
  if (path === '') return ''
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'its path has an empty segment'
    if (segment === '.' || segment === '..') return 'its path has a relative segment'
    if (!/^[A-Za-z0-9._-]+$/.test(segment))
      return 'its path holds more than letters, digits, dots, dashes and underscores'
  }
  return ''
}

export function formatSpiffeId({ trustDomain, path }: SpiffeId): string {
  return `${scheme}${trustDomain}${path}`
}

/** Who a workload of Kubernetes is. */
export interface ServiceAccountName {
  namespace: string
  serviceAccount: string
}

/** `spiffe://TD/ns/NS/sa/SA`, the form that Istio made customary. */
export function serviceAccountId(trustDomain: string, { namespace, serviceAccount }: ServiceAccountName): SpiffeId {
  return { trustDomain, path: `/ns/${namespace}/sa/${serviceAccount}` }
}

/** @returns nothing for a name of another form. */
export function serviceAccountOf({ path }: SpiffeId): ServiceAccountName | undefined {
  const match = /^\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(path)
  return match ? { namespace: match[1]!, serviceAccount: match[2]! } : undefined
}

/** The control plane itself, in its trust domain. */
export const controlAccount: ServiceAccountName = { namespace: 'weft-system', serviceAccount: 'weft-control' }
/** Its DNS name, for clients that know no SPIFFE names. */
export const controlDnsName = 'weft-control'
