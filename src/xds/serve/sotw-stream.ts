/** State-of-the-world ADS: every answer is the whole of what was asked for. */
import { fromBinary } from '@bufbuild/protobuf'
import { DiscoveryRequestSchema } from '#/xds/proto/envoy/service/discovery/v3/discovery_pb.ts'
import { typeUrls } from '../resources/resource.ts'
import { AdsStream } from './ads-stream.ts'
import { sotwResponse } from './response.ts'
import type { EncodedResource, ResourceView } from './snapshot.ts'
import type { TypeSubscription } from './type-subscription.ts'

export class SotwStream extends AdsStream {
  /** Types whose set of names changed: they are answered even when no resource did. */
  readonly #mustAnswer = new Set<TypeSubscription>()

  override receive(bytes: Uint8Array): void {
    const request = fromBinary(DiscoveryRequestSchema, bytes)
    if (request.node) this.introduce(request.node)
    const type = this.typeOf(request.typeUrl)
    if (!type) return
    const { responseNonce, resourceNames } = request
    // A nonce of an older answer: a newer one is on its way, and its ACK will carry the wishes (xDS protocol, "ACK and NACK").
    if (
      responseNonce !== '' &&
      type.isActive &&
      !type.answer(responseNonce, request.errorDetail?.message, this.nowMs()) &&
      type.isWaiting
    )
      return
    const isFirst = !type.isActive
    type.isActive = true
    const isWildcard =
      (type.kind === 'listener' || type.kind === 'cluster') &&
      ((isFirst && resourceNames.length === 0) ||
        resourceNames.includes('*') ||
        (type.isWildcard && resourceNames.length === 0))
    const isSame =
      isWildcard === type.isWildcard &&
      resourceNames.length === type.names.size &&
      resourceNames.every((name) => type.names.has(name))
    if (!isSame || isFirst) {
      type.isWildcard = isWildcard
      type.names.clear()
      for (const name of resourceNames) if (name !== '*') type.names.add(name)
      this.#mustAnswer.add(type)
    }
    this.schedule()
  }

  protected override pushUpdates(type: TypeSubscription, view: ResourceView): boolean {
    const resources = this.#wanted(type, view)
    const isChanged =
      resources.length !== type.sent.size || resources.some(({ name, version }) => type.sent.get(name) !== version)
    const mustAnswer = this.#mustAnswer.delete(type)
    if (!isChanged && !mustAnswer) return false
    // Names of which none exists: silence means that they do not (a client waits 15 s).
    if (resources.length === 0 && type.sent.size === 0 && !type.isWildcard) return false
    const nonce = this.nextNonce()
    const version = this.snapshotVersion()
    const versions = new Map(resources.map((resource) => [resource.name, resource.version]))
    type.begin({ nonce, version, versions, removed: [...type.sent.keys()].filter((name) => !versions.has(name)) })
    this.write(sotwResponse({ typeUrl: typeUrls[type.kind], version, nonce, resources }))
    return true
  }

  /** Told by leaving out. */
  protected override pushRemovals(): boolean {
    return false
  }

  #wanted(type: TypeSubscription, view: ResourceView): EncodedResource[] {
    const wanted = new Map<string, EncodedResource>()
    if (type.isWildcard) for (const resource of view.all(type.kind)) wanted.set(resource.name, resource)
    for (const asked of type.names) {
      const resource = view.find(type.kind, asked, true)
      if (resource) wanted.set(resource.name, resource)
    }
    return [...wanted.values()]
  }
}
