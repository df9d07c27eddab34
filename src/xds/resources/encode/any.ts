/** Messages inside messages: google.protobuf.Any, durations, addresses. */
import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { type Any, AnySchema, type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import type { HostPort } from '#/std/host-port.ts'
import { type Address, AddressSchema, SocketAddress_Protocol } from '#/xds/proto/envoy/config/core/v3/address_pb.ts'
import { ApiVersion, type ConfigSource, ConfigSourceSchema } from '#/xds/proto/envoy/config/core/v3/config_source_pb.ts'

/** The plain form that `create` takes, without a finished message: what can be spread together from parts. */
export type InitOf<T extends DescMessage> = Exclude<MessageInitShape<T>, MessageShape<T>>

export function packAny<T extends DescMessage>(schema: T, message: MessageShape<T>): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${schema.typeName}`, value: toBinary(schema, message) })
}

/** @param ms 0 or more. */
export function durationOf(ms: number): Duration {
  return create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) })
}

export function addressOf({ host, port }: HostPort, isUdp = false): Address {
  const protocol = isUdp ? SocketAddress_Protocol.UDP : SocketAddress_Protocol.TCP
  return create(AddressSchema, {
    address: {
      case: 'socketAddress',
      value: { protocol, address: host, portSpecifier: { case: 'portValue', value: port } },
    },
  })
}

/** "From the same stream". */
export function adsSource(): ConfigSource {
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: { case: 'ads', value: {} },
  })
}
