/**
 * The messages of `envoy.service.auth.v3.Authorization/Check` (external_auth.proto, attribute_context.proto), written and read by field
 * number: the proxy may not load the generated code (docs/decisions/0004-small-proxy.md); a test holds both against each other.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { isFieldText, isToken } from '#/codec/http1/syntax.ts'
import type { HeaderList } from '#/codec/message.ts'
import { framing } from '../header-mutation.ts'
import type { Allowed, Denied, HeaderAction, HeaderChange, Verdict } from './verdict.ts'

/** What the server is told of a request. */
export interface CheckQuestion {
  wallMs: number
  id: string
  method: string
  scheme: string
  host: string
  /** With query. */
  path: string
  protocol: string
  /** Names are lower-case; what stands there twice is joined. */
  headers: ReadonlyMap<string, string>
  /** Of the body, as far as it was announced; -1 when it was not. */
  bytes: number
  body: Uint8Array
  source: Peer
  destination: Peer
}

export interface Peer {
  address: string
  port: number
  /** SPIFFE id of the certificate; empty without one. */
  principal: string
}

const lengthDelimited = WireType.LengthDelimited

/** Five octets stand in front of a message: uncompressed, and its length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const framePrefixBytes = 5

/** A gRPC frame with a CheckRequest. */
export function encodeCheck(question: CheckQuestion): Uint8Array {
  const writer = new BinaryWriter()
  message(writer, 1, () => {
    message(writer, 1, () => writePeer(writer, question.source))
    message(writer, 2, () => writePeer(writer, question.destination))
    message(writer, 4, () => {
      message(writer, 1, () => writeTime(writer, question.wallMs))
      message(writer, 2, () => writeHttp(writer, question))
    })
  })
  const bytes = writer.finish()
  const frame = Buffer.alloc(framePrefixBytes + bytes.length)
  frame.writeUInt32BE(bytes.length, 1)
  frame.set(bytes, framePrefixBytes)
  return frame
}

function message(writer: BinaryWriter, field: number, write: () => void): void {
  writer.tag(field, lengthDelimited).fork()
  write()
  writer.join()
}

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.tag(field, lengthDelimited).string(value)
}

/** Peer: address 1 (Address.socket_address 1: address 2, port_value 3), principal 4. */
function writePeer(writer: BinaryWriter, { address, port, principal }: Peer): void {
  message(writer, 1, () =>
    message(writer, 1, () => {
      text(writer, 2, address)
      writer.tag(3, WireType.Varint).uint32(port)
    }),
  )
  text(writer, 4, principal)
}

function writeTime(writer: BinaryWriter, wallMs: number): void {
  const seconds = Math.floor(wallMs / 1000)
  writer.tag(1, WireType.Varint).int64(seconds)
  writer.tag(2, WireType.Varint).int32(Math.floor((wallMs - seconds * 1000) * 1e6))
}

/** HttpRequest: id 1, method 2, headers 3, path 4, host 5, scheme 6, size 9, protocol 10, raw_body 12. */
function writeHttp(writer: BinaryWriter, question: CheckQuestion): void {
  text(writer, 1, question.id)
  text(writer, 2, question.method)
  for (const [name, value] of question.headers)
    message(writer, 3, () => {
      text(writer, 1, name)
      text(writer, 2, value)
    })
  text(writer, 4, question.path)
  text(writer, 5, question.host)
  text(writer, 6, question.scheme)
  writer.tag(9, WireType.Varint).int64(question.bytes)
  text(writer, 10, question.protocol)
  if (question.body.length > 0) writer.tag(12, lengthDelimited).bytes(question.body)
}

/** @param bytes a CheckResponse. @returns `failed` for what is none, or says what no message of HTTP can hold. */
export function decodeVerdict(bytes: Uint8Array): Verdict {
  try {
    return readResponse(new BinaryReader(bytes))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { type: 'failed', detail: `its answer can not be carried out: ${reason}` }
  }
}

/** What is wrong with an answer that can be read. */
class UnusableAnswer extends Error {}

/** Calls `read` with each field; what it does not read it has to skip. */
function readFields(reader: BinaryReader, end: number, read: (field: number, wire: WireType) => void): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag()
    read(field, wire)
  }
}

function inner<T>(reader: BinaryReader, read: (end: number) => T): T {
  const length = reader.uint32()
  return read(reader.pos + length)
}

/** CheckResponse: status 1 (code 1), denied_response 2, ok_response 3. */
function readResponse(reader: BinaryReader): Verdict {
  // Absent is 0, which is OK (google.rpc.Status).
  let code = 0
  let denied: Denied = { type: 'denied', status: 403, headers: [], body: new Uint8Array() }
  let allowed: Allowed | undefined
  readFields(reader, reader.len, (field, wire) => {
    if (field === 1) code = inner(reader, (end) => readCode(reader, end))
    else if (field === 2) denied = inner(reader, (end) => readDenied(reader, end))
    else if (field === 3) allowed = inner(reader, (end) => readAllowed(reader, end))
    else reader.skip(wire)
  })
  if (code !== 0) return denied
  return allowed ?? { type: 'allowed', headers: [], removed: [], paramsSet: [], paramsRemoved: [], answerHeaders: [] }
}

function readCode(reader: BinaryReader, end: number): number {
  let code = 0
  readFields(reader, end, (field, wire) => {
    if (field === 1) code = reader.int32()
    else reader.skip(wire)
  })
  return code
}

/** DeniedHttpResponse: status 1 (code 1), headers 2, body 3. */
function readDenied(reader: BinaryReader, end: number): Denied {
  let status = 0
  let body: Uint8Array = new Uint8Array()
  const headers: HeaderList = []
  readFields(reader, end, (field, wire) => {
    if (field === 1) status = inner(reader, (inside) => readCode(reader, inside))
    else if (field === 2) {
      const { name, value } = inner(reader, (inside) => readHeader(reader, inside))
      headers.push(name, value)
    } else if (field === 3) body = reader.bytes()
    else reader.skip(wire)
  })
  if (status !== 0 && !(status >= 200 && status <= 599)) throw new UnusableAnswer(`status ${status}`)
  return { type: 'denied', status: status === 0 ? 403 : status, headers, body }
}

/** OkHttpResponse: headers 2, headers_to_remove 5, response_headers_to_add 6, query_parameters_to_set 7, query_parameters_to_remove 8. */
function readAllowed(reader: BinaryReader, end: number): Allowed {
  const headers: HeaderChange[] = []
  const removed: string[] = []
  const answerHeaders: HeaderChange[] = []
  const paramsSet: { name: string; value: string }[] = []
  const paramsRemoved: string[] = []
  readFields(reader, end, (field, wire) => {
    if (field === 2) headers.push(inner(reader, (inside) => readHeader(reader, inside)))
    else if (field === 5) removed.push(fieldName(reader.string()))
    else if (field === 6) answerHeaders.push(inner(reader, (inside) => readHeader(reader, inside)))
    else if (field === 7) paramsSet.push(inner(reader, (inside) => readPair(reader, inside)))
    else if (field === 8) paramsRemoved.push(reader.string())
    else reader.skip(wire)
  })
  return { type: 'allowed', headers, removed, paramsSet, paramsRemoved, answerHeaders }
}

/** By the number of HeaderAppendAction. */
const actions: readonly HeaderAction[] = ['append', 'set-if-absent', 'set', 'set-if-present']

/** HeaderValueOption: header 1, append 2 (BoolValue), append_action 3. Where nothing is said Envoy's filter sets. */
function readHeader(reader: BinaryReader, end: number): HeaderChange {
  let pair = { name: '', value: '' }
  let action: HeaderAction = 'set'
  readFields(reader, end, (field, wire) => {
    if (field === 1) pair = inner(reader, (inside) => readPair(reader, inside))
    else if (field === 2) action = inner(reader, (inside) => readCode(reader, inside)) === 0 ? 'set' : 'append'
    else if (field === 3) action = actions[reader.int32()] ?? 'set'
    else reader.skip(wire)
  })
  if (!isFieldText(pair.value))
    throw new UnusableAnswer(`header ${pair.name} holds a character that no header may hold`)
  return { name: fieldName(pair.name), value: pair.value, action }
}

/** HeaderValue: key 1, value 2, raw_value 3. QueryParameter: key 1, value 2. */
function readPair(reader: BinaryReader, end: number): { name: string; value: string } {
  let name = ''
  let value = ''
  readFields(reader, end, (field, wire) => {
    if (field === 1) name = reader.string()
    else if (field === 2) value = reader.string()
    else if (field === 3) value = Buffer.from(reader.bytes()).toString('latin1')
    else reader.skip(wire)
  })
  return { name, value }
}

/** @throws UnusableAnswer for what a server may not say: names that frame the message, and what is no name. */
export function fieldName(raw: string): string {
  const name = raw.toLowerCase()
  if (!isToken(name) || framing.has(name))
    throw new UnusableAnswer(`${JSON.stringify(raw)} is no header that it may change`)
  return name
}
