/** The header fields of routes and weighted clusters → HeaderMutation. */
import type { HeaderMutation, HeaderValue } from '#/model/route.ts'
import type { FieldReader } from './field-reader.ts'

/** Envoy expands `%NAME%`; `%%` is a plain percent sign. */
function plainValue(value: string, reader: FieldReader): string {
  if (value.replaceAll('%%', '').includes('%'))
    reader.fault('value', 'command operators (%…%) are unsupported by this proxy')
  return value.replaceAll('%%', '%')
}

function readOption(reader: FieldReader): { value: HeaderValue; isSet: boolean } | undefined {
  const header = reader.message('header')
  const append = reader.wrappedBoolean('append')
  const action = reader.enumeration('append_action', 'APPEND_IF_EXISTS_OR_ADD')
  if (action !== 'APPEND_IF_EXISTS_OR_ADD' && action !== 'OVERWRITE_IF_EXISTS_OR_ADD') {
    reader.fault('append_action', `${action} is unsupported by this proxy`)
  }
  if (!header) {
    reader.fault('header', 'is missing')
    return undefined
  }
  const name = header.string('key').toLowerCase()
  const value = plainValue(header.string('value'), header)
  if (name === '' || name.startsWith(':')) header.fault('key', `"${name}" cannot be changed by this proxy`)
  // Envoy leaves an empty header out unless told otherwise.
  if (value === '' && !reader.boolean('keep_empty_value')) return undefined
  return { value: { name, value }, isSet: action === 'OVERWRITE_IF_EXISTS_OR_ADD' || append === false }
}

export function readMutation(reader: FieldReader, direction: 'request' | 'response'): HeaderMutation | undefined {
  const options = reader.messages(`${direction}_headers_to_add`).map(readOption)
  const remove = reader.strings(`${direction}_headers_to_remove`).map((name) => name.toLowerCase())
  const known = options.filter((option) => option !== undefined)
  if (known.length === 0 && remove.length === 0) return undefined
  return {
    set: known.filter(({ isSet }) => isSet).map(({ value }) => value),
    add: known.filter(({ isSet }) => !isSet).map(({ value }) => value),
    remove,
  }
}
