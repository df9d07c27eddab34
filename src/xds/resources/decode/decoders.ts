/** The decoders, as the xDS client takes them. */
import { type Decode, type Decoded, type ResourceKind, type ResourceValues, typeUrls } from '../resource.ts'
import { readAssignment } from './assignment.ts'
import { readCluster } from './cluster.ts'
import { FieldReader } from './field-reader.ts'
import { readListener } from './listener.ts'
import { readRouteConfiguration } from './route.ts'
import { readSecret } from './secret.ts'
import { readMessage } from './wire-message.ts'

interface DecoderOptions<T> {
  /** The field that names a resource of this type. */
  nameField: string
  read: (reader: FieldReader) => T
}

function decoder<T extends { name: string }>(kind: ResourceKind, options: DecoderOptions<T>): Decode<T> {
  const typeName = typeUrls[kind].split('/').pop()!
  return (bytes): Decoded<T> => {
    try {
      const { value, faults } = FieldReader.readAll(readMessage(typeName, bytes), options.read)
      if (value.name === '') faults.push(`${options.nameField}: is empty`)
      return faults.length === 0 ? { ok: true, value } : { ok: false, name: value.name, faults }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { ok: false, name: '', faults: [`${typeName}: the bytes are no such message: ${reason}`] }
    }
  }
}

export const decoders: { [K in ResourceKind]: Decode<ResourceValues[K]> } = {
  secret: decoder('secret', { nameField: 'name', read: readSecret }),
  listener: decoder('listener', { nameField: 'name', read: readListener }),
  route: decoder('route', { nameField: 'name', read: readRouteConfiguration }),
  cluster: decoder('cluster', { nameField: 'name', read: readCluster }),
  assignment: decoder('assignment', { nameField: 'cluster_name', read: readAssignment }),
}
