/** The four decoders, as the xDS client takes them. */
import type { Decode, Decoded, ResourceKind, ResourceValues } from '../resource.ts'
import { readAssignment } from './assignment.ts'
import { readCluster } from './cluster.ts'
import { FieldReader } from './field-reader.ts'
import { readListener } from './listener.ts'
import { readRouteConfiguration } from './route.ts'
import { readMessage } from './wire-message.ts'

function decoder<T extends { name: string }>(typeName: string, read: (reader: FieldReader) => T): Decode<T> {
  return (bytes): Decoded<T> => {
    const faults: string[] = []
    try {
      const value = read(new FieldReader(readMessage(typeName, bytes), '', faults))
      if (value.name === '') faults.push('name: is empty')
      return faults.length === 0 ? { ok: true, value } : { ok: false, name: value.name, faults }
    } catch (error) {
      return {
        ok: false,
        name: '',
        faults: [`the bytes are no ${typeName}: ${error instanceof Error ? error.message : String(error)}`],
      }
    }
  }
}

export const decoders: { [K in ResourceKind]: Decode<ResourceValues[K]> } = {
  listener: decoder('envoy.config.listener.v3.Listener', readListener),
  route: decoder('envoy.config.route.v3.RouteConfiguration', readRouteConfiguration),
  cluster: decoder('envoy.config.cluster.v3.Cluster', readCluster),
  assignment: decoder('envoy.config.endpoint.v3.ClusterLoadAssignment', readAssignment),
}
