/** Conditions on a header or a query parameter, compiled when the configuration arrives. */
import type { HeaderList, RequestHead } from '#/codec/message.ts'
import type { ValueMatch } from '#/model/route.ts'
import { compileRegex, type Pattern } from './regex.ts'

/** A `ValueMatch` with its pattern compiled. */
export interface CompiledValueMatch {
  readonly match: ValueMatch
  /** Of type `regex` only. */
  readonly pattern: Pattern | undefined
}

/** @throws RouteConfigurationError when the pattern is no RE2. */
export function compileValueMatch(match: ValueMatch, place: string): CompiledValueMatch {
  return { match, pattern: match.type === 'regex' ? compileRegex(match.value, place) : undefined }
}

/**
 * Whether the condition holds for a value that may be absent. As in Envoy's HeaderMatcher, an inverted condition on the
 * value does not hold for an absent one; only an inverted `present` does.
 */
export function valueMatches(compiled: CompiledValueMatch, value: string | undefined): boolean {
  const { match } = compiled
  if (match.type === 'present') return (value !== undefined) !== match.isInverted
  if (value === undefined) return false
  return textMatches(compiled, value) !== match.isInverted
}

function textMatches({ match, pattern }: CompiledValueMatch, value: string): boolean {
  switch (match.type) {
    case 'exact':
      return value === match.value
    case 'prefix':
      return value.startsWith(match.value)
    case 'suffix':
      return value.endsWith(match.value)
    case 'contains':
      return value.includes(match.value)
    case 'regex':
      return pattern!.testExact(value)
    case 'present':
      return true
  }
}

/**
 * What a condition on a header looks at. What the codec took out of the list is told by the head: `host` and `:authority`
 * are one and the same (RFC 9113 section 8.3.1), and Envoy's other pseudo-fields can be asked for too.
 */
export function conditionedValue(head: RequestHead, name: string): string | undefined {
  switch (name) {
    case 'host':
    case ':authority':
      return head.authority === '' ? undefined : head.authority
    case ':method':
      return head.method
    case ':path':
      return head.path
    case ':scheme':
      return head.scheme
    case 'upgrade':
      return head.upgrade === '' ? undefined : head.upgrade
    default:
      return headerValue(head.headers, name)
  }
}

/**
 * The value of fields that stand in the list: all fields of that name joined by a comma (RFC 9110 section 5.3), without the
 * optional space, as Envoy joins them. Undefined when absent.
 */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  let value: string | undefined
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) value = value === undefined ? headers[i + 1] : `${value},${headers[i + 1]}`
  }
  return value
}

/**
 * The first value of a query parameter, decoded as forms are (WHATWG URL section 5.1: `%XX` and `+` for a space); a
 * parameter without `=` has the empty value. Gateway API leaves repeated parameters open and recommends the first.
 * @param path path with query.
 * @returns undefined when the parameter is absent.
 */
export function queryValue(path: string, name: string): string | undefined {
  let start = path.indexOf('?') + 1
  if (start === 0) return undefined
  const stop = path.length
  while (start <= stop) {
    let end = path.indexOf('&', start)
    if (end < 0) end = stop
    let equals = path.indexOf('=', start)
    if (equals < 0 || equals > end) equals = end
    if (isName(path, { start, end: equals }, name)) return decode(path.slice(Math.min(equals + 1, end), end))
    start = end + 1
  }
  return undefined
}

function isName(path: string, { start, end }: { start: number; end: number }, name: string): boolean {
  if (end - start === name.length) return path.startsWith(name, start) && start !== end
  return end - start > name.length && decode(path.slice(start, end)) === name
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch (error) {
    // A stray percent sign or broken UTF-8: the text stands for itself.
    if (error instanceof URIError) return spaced
    throw error
  }
}
