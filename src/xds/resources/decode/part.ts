/** Parts that several resources share: addresses, config sources, Weft's metadata. */
import type { HostPort } from '#/std/host-port.ts'
import { metadataKey } from '../resource.ts'
import type { FieldReader } from './field-reader.ts'

/** core.v3.Address with an IP or host name and a numeric port; faults otherwise. */
export function readAddress(reader: FieldReader | undefined): HostPort | undefined {
  const socket = reader?.message('socket_address')
  if (!reader || !socket) {
    reader?.fault('', 'only socket_address is supported')
    return undefined
  }
  const host = socket.string('address')
  const port = socket.number('port_value')
  if (socket.has('named_port')) socket.fault('named_port', 'unsupported by this proxy')
  socket.ignore('named_port')
  if (host === '') socket.fault('address', 'is empty')
  socket.finish()
  reader.finish()
  return { host, port }
}

/** core.v3.ConfigSource: everything comes over the one stream. */
export function readConfigSource(reader: FieldReader | undefined): void {
  if (!reader) return
  if (!reader.has('ads') && !reader.has('self')) reader.fault('', 'only ads and self are supported')
  reader.ignore(
    'ads',
    'self',
    'resource_api_version',
    'initial_fetch_timeout',
    'api_config_source',
    'path',
    'path_config_source',
    'authorities',
  )
}

export type WeftFacts = ReadonlyMap<string, string | number | boolean>

/** The Struct at `filter_metadata["weft.dev"]` of the `metadata` field; that of others is theirs. */
export function readWeftMetadata(reader: FieldReader): WeftFacts {
  const facts = new Map<string, string | number | boolean>()
  const struct = reader.message('metadata')?.map('filter_metadata').get(metadataKey)
  for (const [name, value] of struct?.map('fields') ?? []) {
    if (value.has('string_value')) facts.set(name, value.string('string_value'))
    else if (value.has('number_value')) facts.set(name, value.number('number_value'))
    else if (value.has('bool_value')) facts.set(name, value.boolean('bool_value'))
  }
  return facts
}

export function factText(facts: WeftFacts, name: string): string {
  const value = facts.get(name)
  return typeof value === 'string' ? value : ''
}
