/** envoy.config.route.v3.RouteMatch → RouteMatch. */
import type { PathMatch, RouteMatch, ValueMatch } from '#/model/route.ts'
import type { FieldReader } from './field-reader.ts'

function readRegex(reader: FieldReader): string {
  const regex = reader.string('regex')
  reader.finish()
  return regex
}

function readPath(reader: FieldReader): PathMatch {
  const regex = reader.message('safe_regex')
  if (regex) return { type: 'regex', value: readRegex(regex) }
  if (reader.has('path')) return { type: 'exact', value: reader.string('path') }
  if (reader.has('path_separated_prefix'))
    return { type: 'segment-prefix', value: reader.string('path_separated_prefix') }
  const prefix = reader.string('prefix')
  return { type: 'prefix', value: prefix === '' ? '/' : prefix }
}

/** type.matcher.v3.StringMatcher; faults on what it can't express. */
export function readStringMatch(reader: FieldReader): Pick<ValueMatch, 'type' | 'value'> | undefined {
  const regex = reader.message('safe_regex')
  let match: Pick<ValueMatch, 'type' | 'value'> | undefined
  if (regex) match = { type: 'regex', value: readRegex(regex) }
  for (const type of ['exact', 'prefix', 'suffix', 'contains'] as const)
    if (reader.has(type)) match = { type, value: reader.string(type) }
  if (reader.boolean('ignore_case')) reader.fault('ignore_case', 'unsupported by this proxy')
  reader.finish()
  return match
}

function readHeader(reader: FieldReader): ValueMatch {
  const name = reader.string('name').toLowerCase()
  const isInverted = reader.boolean('invert_match')
  const matcher = reader.message('string_match')
  const regex = reader.message('safe_regex_match')
  let match: Pick<ValueMatch, 'type' | 'value'> = { type: 'present', value: '' }
  let isAbsent = false
  if (matcher) match = readStringMatch(matcher) ?? match
  else if (regex) match = { type: 'regex', value: readRegex(regex) }
  else if (reader.has('present_match')) isAbsent = !reader.boolean('present_match')
  for (const type of ['exact', 'prefix', 'suffix', 'contains'] as const) {
    if (reader.has(`${type}_match`)) match = { type, value: reader.string(`${type}_match`) }
  }
  reader.finish()
  return { name, ...match, isInverted: isInverted !== isAbsent }
}

function readQuery(reader: FieldReader): ValueMatch {
  const name = reader.string('name')
  const matcher = reader.message('string_match')
  const match = matcher ? readStringMatch(matcher) : undefined
  reader.ignore('present_match')
  reader.finish()
  return { name, ...(match ?? { type: 'present', value: '' }), isInverted: false }
}

/** @param isThere the route has a match at all; a route without one is a fault. */
export function readMatch(reader: FieldReader, isThere: boolean): RouteMatch {
  if (!isThere) {
    reader.fault('match', 'is missing')
    return { path: { type: 'prefix', value: '/' }, headers: [], query: [] }
  }
  const path = readPath(reader)
  const all = reader.messages('headers').map(readHeader)
  const method = all.find(({ name, type, isInverted }) => name === ':method' && type === 'exact' && !isInverted)
  const query = reader.messages('query_parameters').map(readQuery)
  if (reader.wrappedBoolean('case_sensitive') === false) reader.fault('case_sensitive', 'unsupported by this proxy')
  reader.finish()
  return { path, headers: all.filter((match) => match !== method), query, ...(method ? { method: method.value } : {}) }
}
