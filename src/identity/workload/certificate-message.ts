/**
 * The messages of `istio.v1.auth.IstioCertificateService`, by hand: two messages of three fields need no generated code in each
 * sidecar. Source: istio/api, security/v1alpha1/ca.proto.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

export const createCertificatePath = '/istio.v1.auth.IstioCertificateService/CreateCertificate'

export interface CertificateOrder {
  /** PEM. */
  request: string
  /** Wished life of the leaf, whole seconds; 0 for what the authority gives. */
  lifeSeconds: number
}

export function encodeOrder({ request, lifeSeconds }: CertificateOrder): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(request)
  if (lifeSeconds > 0) writer.tag(3, WireType.Varint).int64(lifeSeconds)
  return writer.finish()
}

/** @throws when the bytes are no such message. */
export function decodeOrder(bytes: Uint8Array): CertificateOrder {
  const order = { request: '', lifeSeconds: 0 }
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1 && type === WireType.LengthDelimited) order.request = reader.string()
    else if (field === 3 && type === WireType.Varint) order.lifeSeconds = Number(reader.int64())
    else reader.skip(type, field)
  }
  return order
}

/** @param chain PEM of each certificate, leaf first, root last. */
export function encodeGrant(chain: readonly string[]): Uint8Array {
  const writer = new BinaryWriter()
  for (const pem of chain) writer.tag(1, WireType.LengthDelimited).string(pem)
  return writer.finish()
}

/** @throws when the bytes are no such message. */
export function decodeGrant(bytes: Uint8Array): string[] {
  const chain: string[] = []
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1 && type === WireType.LengthDelimited) chain.push(reader.string())
    else reader.skip(type, field)
  }
  return chain
}
