/**
 * Protobuf messages as plain objects, by the generated field table: field name → value. Only what is on the wire is there;
 * numbers for integers (64-bit ones past 2^53 lose precision, none such matter here), names for enum values, `Uint8Array`
 * for bytes, arrays for repeated fields, Maps for maps. Fields that the table lacks are listed by number.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { enumTable, messageTable } from '#/xds/proto/field-tables.ts'

export interface WireMessage {
  typeName: string
  fields: Map<string, WireValue>
  /** Numbers of fields that this version of the protos does not know. */
  unknown: number[]
}

export type WireValue = string | number | boolean | Uint8Array | WireMessage | WireValue[] | Map<string, WireValue>

interface FieldRow {
  name: string
  kind: string
  isRepeated: boolean
  isMap: boolean
  /** Of a message or enum. */
  typeName: string
}

const rows = new Map<string, Map<number, FieldRow>>()
const enumNames = new Map<string, Map<number, string>>()

function rowsOf(typeName: string): Map<number, FieldRow> {
  const known = rows.get(typeName)
  if (known) return known
  const line = messageTable[typeName]
  if (line === undefined) throw new Error(`no field table for ${typeName}`)
  const parsed = new Map<number, FieldRow>()
  for (const entry of line.split(';')) {
    if (entry === '') continue
    const [number, name, kind] = entry.split(' ') as [string, string, string]
    const isRepeated = kind.startsWith('*')
    const isMap = kind.startsWith('%')
    const bare = isRepeated || isMap ? kind.slice(1) : kind
    parsed.set(Number(number), { name, kind: bare[0]!, isRepeated, isMap, typeName: bare.slice(2) })
  }
  rows.set(typeName, parsed)
  return parsed
}

function enumName(typeName: string, value: number): string {
  let names = enumNames.get(typeName)
  if (!names) {
    const pairs = (enumTable[typeName] ?? '').split(';').map((entry) => entry.split(' ') as [string, string])
    names = new Map(pairs.map(([number, name]) => [Number(number), name]))
    enumNames.set(typeName, names)
  }
  return names.get(value) ?? String(value)
}

/** @throws when the bytes are no message of that type. */
export function readMessage(typeName: string, bytes: Uint8Array): WireMessage {
  const table = rowsOf(typeName)
  const message: WireMessage = { typeName, fields: new Map(), unknown: [] }
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    const row = table.get(number)
    if (!row) {
      message.unknown.push(number)
      reader.skip(wireType, number)
    } else if (row.isMap) readEntry(reader, row, message)
    else if (row.isRepeated) readRepeated(reader, row, wireType, message)
    else message.fields.set(row.name, readValue(reader, row, wireType))
  }
  return message
}

function readRepeated(reader: BinaryReader, row: FieldRow, wireType: WireType, message: WireMessage): void {
  let list = message.fields.get(row.name) as WireValue[] | undefined
  if (!list) {
    list = []
    message.fields.set(row.name, list)
  }
  const isPacked = wireType === WireType.LengthDelimited && !'sym'.includes(row.kind)
  if (!isPacked) {
    list.push(readValue(reader, row, wireType))
    return
  }
  const end = reader.uint32() + reader.pos
  while (reader.pos < end) list.push(readValue(reader, row, scalarWireType(row.kind)))
}

function readEntry(reader: BinaryReader, row: FieldRow, message: WireMessage): void {
  let map = message.fields.get(row.name) as Map<string, WireValue> | undefined
  if (!map) {
    map = new Map()
    message.fields.set(row.name, map)
  }
  const entry = new BinaryReader(reader.bytes())
  let key = ''
  let value: WireValue | undefined
  while (entry.pos < entry.len) {
    const [number, wireType] = entry.tag()
    if (number === 1 && wireType === WireType.LengthDelimited) key = entry.string()
    else if (number === 2) value = readValue(entry, row, wireType)
    else entry.skip(wireType, number)
  }
  map.set(key, value ?? emptyValue(row))
}

function emptyValue(row: FieldRow): WireValue {
  if (row.kind === 'm') return { typeName: row.typeName, fields: new Map(), unknown: [] }
  return row.kind === 's' ? '' : row.kind === 'b' ? false : 0
}

function scalarWireType(kind: string): WireType {
  if (kind === 'f') return WireType.Bit32
  if (kind === 'd') return WireType.Bit64
  return kind === 's' || kind === 'y' || kind === 'm' ? WireType.LengthDelimited : WireType.Varint
}

function readValue(reader: BinaryReader, row: FieldRow, wireType: WireType): WireValue {
  const { kind } = row
  if (kind !== 'w' && wireType !== scalarWireType(kind)) throw new Error(`field ${row.name} has the wrong wire type`)
  switch (kind) {
    case 's':
      return reader.string()
    case 'y':
      return reader.bytes()
    case 'm':
      return readMessage(row.typeName, reader.bytes())
    case 'b':
      return reader.bool()
    case 'f':
      return reader.float()
    case 'd':
      return reader.double()
    case 'e':
      return enumName(row.typeName, reader.int32())
    case 'z':
      return Number(reader.sint64())
    case 'w':
      return wireType === WireType.Bit32 ? reader.fixed32() : Number(reader.fixed64())
    case 'i':
      return Number(reader.int64())
    default:
      return Number(reader.uint64())
  }
}
