/**
 * The messages of the aggregated discovery service (envoy/service/discovery/v3/discovery.proto), read and written by field
 * number. The proxy may not load the generated code (docs/decisions/0004-small-proxy.md); a test holds both against
 * each other.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { XdsNode } from '../node.ts'

export interface DeltaRequest {
  node?: XdsNode
  typeUrl: string
  subscribe: readonly string[]
  unsubscribe: readonly string[]
  initialVersions: ReadonlyMap<string, string>
  responseNonce: string
  /** Set for a NACK. */
  errorMessage?: string
}

export interface SotwRequest {
  node?: XdsNode
  typeUrl: string
  versionInfo: string
  names: readonly string[]
  responseNonce: string
  errorMessage?: string
}

export interface DiscoveredResource {
  name: string
  aliases: string[]
  version: string
  /** The resource's own message; empty when the server only says that it does not exist. */
  body: Uint8Array | undefined
  typeUrl: string
}

export interface DiscoveryResponse {
  typeUrl: string
  nonce: string
  /** State of the world: of the whole answer. */
  versionInfo: string
  resources: DiscoveredResource[]
  removed: string[]
}

const lengthDelimited = WireType.LengthDelimited

function writeMessage(writer: BinaryWriter, field: number, write: () => void): void {
  writer.tag(field, lengthDelimited).fork()
  write()
  writer.join()
}

function writeString(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.tag(field, lengthDelimited).string(value)
}

/** core.v3.Node: id 1, cluster 2, metadata 3, user_agent_name 6, user_agent_version 7. */
function writeNode(writer: BinaryWriter, node: XdsNode): void {
  writeString(writer, 1, node.id)
  writeString(writer, 2, node.cluster)
  writeMessage(writer, 3, () => {
    for (const [name, value] of Object.entries(node.metadata)) {
      writeMessage(writer, 1, () => {
        writeString(writer, 1, name)
        writeMessage(writer, 2, () => writer.tag(3, lengthDelimited).string(value))
      })
    }
  })
  writeString(writer, 6, node.userAgent)
  writeString(writer, 7, node.userAgentVersion)
}

/** google.rpc.Status: code 1, message 2. INVALID_ARGUMENT, as Envoy says it. */
function writeStatus(writer: BinaryWriter, message: string): void {
  writer.tag(1, WireType.Varint).int32(3)
  writeString(writer, 2, message)
}

export function encodeDeltaRequest(request: DeltaRequest): Uint8Array {
  const writer = new BinaryWriter()
  if (request.node) writeMessage(writer, 1, () => writeNode(writer, request.node!))
  writeString(writer, 2, request.typeUrl)
  for (const name of request.subscribe) writer.tag(3, lengthDelimited).string(name)
  for (const name of request.unsubscribe) writer.tag(4, lengthDelimited).string(name)
  for (const [name, version] of request.initialVersions) {
    writeMessage(writer, 5, () => {
      writeString(writer, 1, name)
      writeString(writer, 2, version)
    })
  }
  writeString(writer, 6, request.responseNonce)
  if (request.errorMessage !== undefined) writeMessage(writer, 7, () => writeStatus(writer, request.errorMessage!))
  return writer.finish()
}

export function encodeSotwRequest(request: SotwRequest): Uint8Array {
  const writer = new BinaryWriter()
  writeString(writer, 1, request.versionInfo)
  if (request.node) writeMessage(writer, 2, () => writeNode(writer, request.node!))
  for (const name of request.names) writer.tag(3, lengthDelimited).string(name)
  writeString(writer, 4, request.typeUrl)
  writeString(writer, 5, request.responseNonce)
  if (request.errorMessage !== undefined) writeMessage(writer, 6, () => writeStatus(writer, request.errorMessage!))
  return writer.finish()
}

/** Calls `field` for each field; it must read or skip the value. */
function eachField(bytes: Uint8Array, field: (reader: BinaryReader, number: number) => boolean): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    if (!field(reader, number)) reader.skip(wireType, number)
  }
}

function readAny(bytes: Uint8Array): { typeUrl: string; value: Uint8Array } {
  const any = { typeUrl: '', value: new Uint8Array() as Uint8Array }
  eachField(bytes, (reader, number) => {
    if (number === 1) any.typeUrl = reader.string()
    else if (number === 2) any.value = reader.bytes()
    else return false
    return true
  })
  return any
}

function readResource(bytes: Uint8Array): DiscoveredResource {
  const resource: DiscoveredResource = { name: '', aliases: [], version: '', body: undefined, typeUrl: '' }
  eachField(bytes, (reader, number) => {
    if (number === 1) resource.version = reader.string()
    else if (number === 2) {
      const any = readAny(reader.bytes())
      resource.body = any.value
      resource.typeUrl = any.typeUrl
    } else if (number === 3) resource.name = reader.string()
    else if (number === 4) resource.aliases.push(reader.string())
    else return false
    return true
  })
  return resource
}

/** @throws when the bytes are no message. */
export function decodeDeltaResponse(bytes: Uint8Array): DiscoveryResponse {
  const response: DiscoveryResponse = { typeUrl: '', nonce: '', versionInfo: '', resources: [], removed: [] }
  eachField(bytes, (reader, number) => {
    if (number === 1) response.versionInfo = reader.string()
    else if (number === 2) response.resources.push(readResource(reader.bytes()))
    else if (number === 4) response.typeUrl = reader.string()
    else if (number === 5) response.nonce = reader.string()
    else if (number === 6) response.removed.push(reader.string())
    else return false
    return true
  })
  return response
}

/** Resources of a state-of-the-world answer have no name outside their own message: `name` is empty. */
export function decodeSotwResponse(bytes: Uint8Array): DiscoveryResponse {
  const response: DiscoveryResponse = { typeUrl: '', nonce: '', versionInfo: '', resources: [], removed: [] }
  eachField(bytes, (reader, number) => {
    if (number === 1) response.versionInfo = reader.string()
    else if (number === 2) {
      const any = readAny(reader.bytes())
      const isWrapped = any.typeUrl.endsWith('envoy.service.discovery.v3.Resource')
      response.resources.push(
        isWrapped
          ? readResource(any.value)
          : { name: '', aliases: [], version: '', body: any.value, typeUrl: any.typeUrl },
      )
    } else if (number === 4) response.typeUrl = reader.string()
    else if (number === 5) response.nonce = reader.string()
    else return false
    return true
  })
  return response
}
