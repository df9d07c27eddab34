/** Paths made plain: one text for all that an application would read alike (RFC 3986, section 6.2.2). */
import type { PathRules } from '#/model/path-rules.ts'

/** Nearly every path has none of these and is taken as it is. */
const suspicious = /[%\\]|\/\/|\/\./
const escapedSlash = /%(2f|5c)/i
/** An octet that is none, and the end of a text in C. */
const brokenEscape = /%(?![0-9a-f]{2})|%00/i
const escaped = /%[0-9a-f]{2}/gi
const unreserved = /[A-Za-z0-9\-._~]/

/**
 * @param path with its query, which stays as it is.
 * @returns undefined for a path that may be read in two ways: an escaped slash, a backslash, an octet that is none.
 */
export function normalizePath(path: string, rules: PathRules): string | undefined {
  if (!suspicious.test(path)) return path
  const query = path.indexOf('?')
  const end = query < 0 ? path.length : query
  const plain = plainText(path.slice(0, end), rules)
  return plain === undefined || query < 0 ? plain : plain + path.slice(query)
}

/** In Envoy's order: escaped slashes, dot segments, slashes that follow one another. */
function plainText(text: string, { isNormalized, mergesSlashes, escapedSlashes }: PathRules): string | undefined {
  if (escapedSlashes === 'reject' && escapedSlash.test(text)) return undefined
  let plain = text
  if (isNormalized) {
    if (brokenEscape.test(plain) || plain.includes('\\')) return undefined
    plain = resolveDots(plain.replace(escaped, decodeUnreserved))
  }
  return mergesSlashes ? plain.replace(/\/{2,}/g, '/') : plain
}

/** What stays escaped has capital digits (section 6.2.2.1). */
function decodeUnreserved(octet: string): string {
  const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16))
  return unreserved.test(character) ? character : octet.toUpperCase()
}

/** Section 5.2.4. What leads above the root stays at the root. */
function resolveDots(path: string): string {
  if (!path.includes('/.')) return path
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1
    if (segment !== '.' && segment !== '..') {
      kept.push(segment)
      return
    }
    if (segment === '..') kept.pop()
    if (isLast) kept.push('')
  })
  return `/${kept.join('/')}`
}
