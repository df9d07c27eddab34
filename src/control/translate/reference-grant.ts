/** Which namespaces let themselves be referred to from outside (ReferenceGrant). */
import type { Resources } from '#/control/source/resources.ts'
import { type RouteKind, routeKinds } from './route/route-kind.ts'

export interface Reference {
  fromKind: RouteKind
  fromNamespace: string
  toNamespace: string
  /** The Service's name. */
  toName: string
}

/** Keys `HTTPRoute web → shop/reviews`, or `shop/*` where every Service of the namespace is meant. */
export type GrantIndex = ReadonlySet<string>

/**
 * Grants add up: each pair of a `from` and a `to` permits. From other kinds than routes, and to others than Services, they are of no interest here.
 * @param before the last outcome, given back when nothing has changed.
 */
export function readGrants(resources: Resources, before?: GrantIndex): GrantIndex {
  const index = new Set<string>()
  for (const { value } of resources.of('ReferenceGrant').values()) {
    const toNamespace = value.metadata.namespace ?? 'default'
    for (const from of value.spec.from) {
      if (from.group !== 'gateway.networking.k8s.io' || !(from.kind in routeKinds)) continue
      const fromKind = from.kind as RouteKind
      for (const to of value.spec.to) {
        if (to.group !== '' || to.kind !== 'Service') continue
        const toName = to.name ?? '*'
        index.add(grantKey({ fromKind, fromNamespace: from.namespace, toNamespace, toName }))
      }
    }
  }
  const isSame = before?.size === index.size && [...index].every((key) => before.has(key))
  return isSame ? before : index
}

export function isGranted(index: GrantIndex, reference: Reference): boolean {
  return index.has(grantKey(reference)) || index.has(grantKey({ ...reference, toName: '*' }))
}

function grantKey({ fromKind, fromNamespace, toNamespace, toName }: Reference): string {
  return `${fromKind} ${fromNamespace} → ${toNamespace}/${toName}`
}
