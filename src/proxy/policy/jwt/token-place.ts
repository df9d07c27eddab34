/** Where tokens stand in a request: headers, query parameters, cookies. Looked for without changing anything. */
import type { HeaderList, RequestHead } from '#/codec/message.ts'
import type { JwtPlaces } from '#/model/authentication.ts'

/** RFC 6750, sections 2.1 and 2.3: where tokens stand when nothing else is said (as in Envoy). */
const defaultPlaces: JwtPlaces = {
  headers: [{ name: 'authorization', prefix: 'Bearer ' }],
  params: ['access_token'],
  cookies: [],
}

export function placesOf(places: JwtPlaces): JwtPlaces {
  const isNone = places.headers.length + places.params.length + places.cookies.length === 0
  return isNone ? defaultPlaces : places
}

/** All tokens, those that stand twice included. */
export function findTokens({ headers, path }: RequestHead, places: JwtPlaces): string[] {
  const found: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    for (const place of places.headers) {
      if (headers[i] !== place.name) continue
      const token = tokenBehind(place.prefix, headers[i + 1]!)
      if (token !== undefined) found.push(token)
    }
    if (places.cookies.length > 0 && headers[i] === 'cookie')
      for (const cookie of cookiesOf(headers[i + 1]!))
        if (isNamed(cookie, places.cookies)) found.push(behindEquals(cookie))
  }
  if (places.params.length > 0)
    for (const param of paramsOf(path)) if (isNamed(param, places.params)) found.push(decoded(behindEquals(param)))
  return found
}

/** The application gets none of them. */
export function removeTokens(head: RequestHead, places: JwtPlaces): void {
  const { headers, path } = head
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    let value = headers[i + 1]!
    if (places.headers.some((place) => place.name === name && tokenBehind(place.prefix, value) !== undefined)) continue
    if (name === 'cookie' && places.cookies.length > 0) {
      value = withoutCookies(value, places.cookies)
      if (value === '') continue
    }
    headers[kept] = name
    headers[kept + 1] = value
    kept += 2
  }
  headers.length = kept
  if (places.params.length > 0) head.path = withoutParams(path, places.params)
}

/** Schemes count without case (RFC 9110, section 11.1). @returns undefined when something else stands there. */
function tokenBehind(prefix: string, value: string): string | undefined {
  const hasPrefix =
    value.length >= prefix.length && value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase()
  return hasPrefix ? value.slice(prefix.length).trim() : undefined
}

function paramsOf(path: string): string[] {
  const query = path.indexOf('?')
  return query < 0 ? [] : path.slice(query + 1).split('&')
}

function cookiesOf(value: string): string[] {
  return value.split(';').map((cookie) => cookie.trim())
}

/** @param pair `name=value`. */
function isNamed(pair: string, names: readonly string[]): boolean {
  const equals = pair.indexOf('=')
  return equals >= 0 && names.includes(decoded(pair.slice(0, equals)))
}

function behindEquals(pair: string): string {
  return pair.slice(pair.indexOf('=') + 1)
}

/** Text with a broken escape stands for itself. */
function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}

/** For logs, too. */
export function withoutParams(path: string, names: readonly string[]): string {
  const params = paramsOf(path)
  const kept = params.filter((param) => !isNamed(param, names))
  if (kept.length === params.length) return path
  const bare = path.slice(0, path.indexOf('?'))
  return kept.length === 0 ? bare : `${bare}?${kept.join('&')}`
}

function withoutCookies(value: string, names: readonly string[]): string {
  const cookies = cookiesOf(value)
  const kept = cookies.filter((cookie) => !isNamed(cookie, names))
  return kept.length === cookies.length ? value : kept.join('; ')
}

/** The names stand there at most as we write them. */
export function removeHeaders(headers: HeaderList, names: ReadonlySet<string>): void {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    if (names.has(headers[i]!)) continue
    headers[kept] = headers[i]!
    headers[kept + 1] = headers[i + 1]!
    kept += 2
  }
  headers.length = kept
}
