/** envoy.config.route.v3.RouteMatch → RouteMatch. */
import type { PathMatch, RouteMatch, ValueMatch } from '#/model/route.ts'
import type { FieldReader } from './field-reader.ts'

function readPath(reader: FieldReader): PathMatch {
  const regex = reader.message('safe_regex')
  if (regex) return { type: 'regex', value: regex.string('regex') }
  if (reader.has('path')) return { type: 'exact', value: reader.string('path') }
  if (reader.has('path_separated_prefix'))
    return { type: 'segment-prefix', value: reader.string('path_separated_prefix') }
  if (!reader.has('prefix')) reader.fault('', 'has no path, prefix or pattern')
  const prefix = reader.string('prefix')
  return { type: 'prefix', value: prefix === '' ? '/' : prefix }
}

/** type.matcher.v3.StringMatcher; faults on what it can't express. */
export function readStringMatch(reader: FieldReader): Pick<ValueMatch, 'type' | 'value'> | undefined {
  const regex = reader.message('safe_regex')
  let match: Pick<ValueMatch, 'type' | 'value'> | undefined
  if (regex) match = { type: 'regex', value: regex.string('regex') }
  for (const type of ['exact', 'prefix', 'suffix', 'contains'] as const)
    if (reader.has(type)) match = { type, value: reader.string(type) }
  if (reader.boolean('ignore_case')) reader.fault('ignore_case', 'unsupported by this proxy')
  if (!match) reader.fault('', 'has no pattern that this proxy supports')
  return match
}

export function readHeader(reader: FieldReader): ValueMatch {
  const name = reader.string('name').toLowerCase()
  const isInverted = reader.boolean('invert_match')
  const matcher = reader.message('string_match')
  const regex = reader.message('safe_regex_match')
  if (name === '') reader.fault('name', 'is empty')
  let match: Pick<ValueMatch, 'type' | 'value'> = { type: 'present', value: '' }
  let isAbsent = false
  if (matcher) match = readStringMatch(matcher) ?? match
  else if (regex) match = { type: 'regex', value: regex.string('regex') }
  else if (reader.has('present_match')) isAbsent = !reader.boolean('present_match')
  for (const type of ['exact', 'prefix', 'suffix', 'contains'] as const) {
    if (reader.has(`${type}_match`)) match = { type, value: reader.string(`${type}_match`) }
  }
  return { name, ...match, isInverted: isInverted !== isAbsent }
}

function readQuery(reader: FieldReader): ValueMatch {
  const name = reader.string('name')
  const matcher = reader.message('string_match')
  const match = matcher ? readStringMatch(matcher) : undefined
  const isAbsent = reader.has('present_match') && !reader.boolean('present_match')
  return { name, ...(match ?? { type: 'present', value: '' }), isInverted: isAbsent }
}

/** @param isThere the route has a match at all; a route without one is a fault. */
export function readMatch(reader: FieldReader, isThere: boolean): RouteMatch {
  if (!isThere) {
    reader.fault('match', 'is missing')
    return { path: { type: 'prefix', value: '/' }, headers: [], query: [] }
  }
  const path = readPath(reader)
  const all = reader.messages('headers').map((header) => ({ header, match: readHeader(header) }))
  const method = all.find(({ match }) => isMethod(match))?.match
  for (const { header, match } of all)
    if (match.name.startsWith(':') && match !== method)
      header.fault('name', `of the pseudo-headers only one exact :method is supported by this proxy, not ${match.name}`)
  const headers = all.map(({ match }) => match).filter((match) => match !== method)
  const query = reader.messages('query_parameters').map(readQuery)
  if (reader.wrappedBoolean('case_sensitive') === false) reader.fault('case_sensitive', 'unsupported by this proxy')
  const isGrpc = reader.message('grpc') !== undefined
  return { path, headers, query, ...(method ? { method: method.value } : {}), ...(isGrpc ? { isGrpc } : {}) }
}

function isMethod({ name, type, isInverted }: ValueMatch): boolean {
  return name === ':method' && type === 'exact' && !isInverted
}
