/** Delta ADS: only what changed, by name, with aliases. */
import { fromBinary } from '@bufbuild/protobuf'
import type { DeltaDiscoveryRequest } from '#/xds/proto/envoy/service/discovery/v3/discovery_pb.ts'
import { DeltaDiscoveryRequestSchema } from '#/xds/proto/envoy/service/discovery/v3/discovery_pb.ts'
import { typeUrls } from '../resources/resource.ts'
import { AdsStream } from './ads-stream.ts'
import { deltaResponse } from './response.ts'
import type { EncodedResource, ResourceView } from './snapshot.ts'
import type { TypeSubscription } from './type-subscription.ts'

interface Update {
  resource: EncodedResource
  aliases: Set<string>
}

export class DeltaStream extends AdsStream {
  override receive(bytes: Uint8Array): void {
    const request = fromBinary(DeltaDiscoveryRequestSchema, bytes)
    if (request.node) this.introduce(request.node)
    const type = this.typeOf(request.typeUrl)
    if (!type) return
    if (request.responseNonce !== '') type.answer(request.responseNonce, request.errorDetail?.message, this.nowMs())
    this.#subscribe(type, request)
    this.schedule()
  }

  #subscribe(type: TypeSubscription, request: DeltaDiscoveryRequest): void {
    const { resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request
    // The first request of a type that names nothing means everything (xDS protocol, "legacy wildcard").
    if (!type.isActive && subscribe.length === 0 && (type.kind === 'listener' || type.kind === 'cluster'))
      type.isWildcard = true
    if (!type.isActive)
      for (const [name, version] of Object.entries(request.initialResourceVersions)) {
        type.sent.set(name, version)
        // What it holds it has accepted, from us before a restart or from another replica.
        type.acknowledged.set(name, version)
      }
    type.isActive = true
    for (const name of subscribe) {
      if (name === '*') type.isWildcard = true
      else type.names.add(name)
      // A name that is asked for again is told again, also when nothing changed (xDS protocol).
      type.missing.delete(name)
      const canonical = type.told.get(name)
      if (canonical !== undefined) {
        type.told.delete(name)
        type.sent.delete(canonical)
      }
    }
    for (const name of unsubscribe) type.unsubscribe(name)
  }

  protected override pushUpdates(type: TypeSubscription, view: ResourceView): boolean {
    const updates = this.#updates(type, view)
    if (updates.length === 0) return false
    const versions = new Map(updates.map(({ resource }) => [resource.name, resource.version]))
    this.#send(type, { updates, versions, removed: [] })
    return true
  }

  /** What is no longer there goes last, when nothing refers to it any more. */
  protected override pushRemovals(type: TypeSubscription, view: ResourceView): boolean {
    const present = new Set<string>()
    const removed: string[] = []
    if (type.isWildcard) for (const { name } of view.all(type.kind)) present.add(name)
    for (const asked of type.names) {
      const resource = view.find(type.kind, asked)
      if (resource) present.add(resource.name)
      else if (!type.missing.has(asked)) {
        type.missing.add(asked)
        type.told.delete(asked)
        removed.push(asked)
      }
    }
    for (const name of type.sent.keys()) if (!present.has(name) && !removed.includes(name)) removed.push(name)
    if (removed.length === 0) return false
    this.#send(type, { updates: [], versions: new Map(), removed })
    return true
  }

  #updates(type: TypeSubscription, view: ResourceView): Update[] {
    const updates = new Map<string, Update>()
    const add = (resource: EncodedResource, alias?: string): void => {
      const update = updates.get(resource.name) ?? { resource, aliases: new Set() }
      if (alias !== undefined && alias !== resource.name) update.aliases.add(alias)
      updates.set(resource.name, update)
    }
    if (type.isWildcard)
      for (const resource of view.all(type.kind)) if (type.sent.get(resource.name) !== resource.version) add(resource)
    for (const asked of type.names) {
      const resource = view.find(type.kind, asked)
      if (!resource) continue
      type.missing.delete(asked)
      const isTold = type.told.get(asked) === resource.name || asked === resource.name
      if (type.sent.get(resource.name) !== resource.version || !isTold) add(resource, asked)
      type.told.set(asked, resource.name)
    }
    return [...updates.values()]
  }

  #send(type: TypeSubscription, parts: { updates: Update[]; versions: Map<string, string>; removed: string[] }): void {
    const { updates, versions, removed } = parts
    const nonce = this.nextNonce()
    const version = this.snapshotVersion()
    type.begin({ nonce, version, versions, removed })
    this.write(
      deltaResponse({
        typeUrl: typeUrls[type.kind],
        version,
        nonce,
        updates: updates.map(({ resource, aliases }) => ({ resource, aliases: [...aliases] })),
        removed,
      }),
    )
  }
}
