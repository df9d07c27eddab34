/** Parts that several resources share: addresses, config sources, Weft's metadata. */
import type { RuleRef } from '#/model/object-ref.ts'
import type { HostPort } from '#/std/host-port.ts'
import { metadataKey } from '../resource.ts'
import type { FieldReader } from './field-reader.ts'

/** core.v3.Address with an IP or host name and a numeric port; faults otherwise. UDP is for listeners that say so. */
export function readAddress(reader: FieldReader | undefined, mayBeUdp = false): HostPort | undefined {
  const socket = reader?.message('socket_address')
  if (!reader || !socket) {
    reader?.fault('', 'only socket_address is supported by this proxy')
    return undefined
  }
  const host = socket.string('address')
  const port = socket.number('port_value')
  if (host === '') socket.fault('address', 'is empty')
  const protocol = socket.enumeration('protocol', 'TCP')
  if (protocol !== 'TCP' && !(mayBeUdp && protocol === 'UDP'))
    socket.fault('protocol', `${protocol} is unsupported by this proxy`)
  return { host, port }
}

/** core.v3.ConfigSource: everything comes over the one stream. */
export function readConfigSource(reader: FieldReader | undefined): void {
  if (!reader) return
  const isHere = reader.message('ads') ?? reader.message('self')
  if (!isHere) reader.fault('', 'only ads and self are supported by this proxy')
}

export type WeftFacts = ReadonlyMap<string, string | number | boolean>

/** The Struct at `filter_metadata["weft.dev"]` of the `metadata` field; that of others is theirs. */
export function readWeftMetadata(reader: FieldReader): WeftFacts {
  const facts = new Map<string, string | number | boolean>()
  const all = reader.message('metadata')?.map('filter_metadata') ?? []
  for (const [key, other] of all) if (key !== metadataKey) other.skip()
  const struct = new Map(all).get(metadataKey)
  for (const [name, value] of struct?.map('fields') ?? []) {
    if (value.has('string_value')) facts.set(name, value.string('string_value'))
    else if (value.has('number_value')) facts.set(name, value.number('number_value'))
    else if (value.has('bool_value')) facts.set(name, value.boolean('bool_value'))
  }
  return facts
}

/** Faults when the field is there and says anything else than what this proxy does anyway. */
export function expectBoolean(reader: FieldReader, name: string, expected: boolean): void {
  const value = reader.wrappedBoolean(name)
  if (value !== undefined && value !== expected) reader.fault(name, `only ${expected} is supported by this proxy`)
}

/** core.v3.HttpProtocolOptions, wherever they stand: limits are ours to set, rules are not. */
export function readCommonProtocolOptions(reader: FieldReader | undefined): void {
  const underscores = reader?.enumeration('headers_with_underscores_action', 'ALLOW') ?? 'ALLOW'
  if (underscores !== 'ALLOW')
    reader?.fault('headers_with_underscores_action', `${underscores} is unsupported by this proxy`)
}

/** The kinds of upgrade that a control plane lets through: this proxy lets through all but CONNECT. */
export function readUpgrades(reader: FieldReader): void {
  for (const upgrade of reader.messages('upgrade_configs')) {
    const type = upgrade.string('upgrade_type')
    const isEnabled = upgrade.wrappedBoolean('enabled') ?? true
    if (isEnabled && /^connect/i.test(type)) upgrade.fault('upgrade_type', `${type} is unsupported by this proxy`)
    if (!isEnabled && !/^connect/i.test(type)) upgrade.fault('enabled', 'upgrades cannot be switched off in this proxy')
  }
}

export function factText(facts: WeftFacts, name: string): string {
  const value = facts.get(name)
  return typeof value === 'string' ? value : ''
}

/** The user's rule that something comes from. */
export function readRule(facts: WeftFacts): RuleRef | undefined {
  const rule = facts.get('rule')
  if (!facts.has('kind')) return undefined
  const ruleName = factText(facts, 'rule_name')
  return {
    kind: factText(facts, 'kind'),
    namespace: factText(facts, 'namespace'),
    name: factText(facts, 'name'),
    rule: typeof rule === 'number' ? rule : 0,
    ...(ruleName === '' ? {} : { ruleName }),
  }
}
