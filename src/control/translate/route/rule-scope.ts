/** What one rule of a route is compiled with. */
import type { ExternalIndex } from '../external/read-externals.ts'
import type { GrantIndex } from '../reference-grant.ts'
import type { ServiceIndex } from '../service.ts'
import type { Problem } from './problem.ts'
import type { RouteObjectRef } from './route-kind.ts'

export interface RuleScope {
  route: RouteObjectRef
  rule: number
  /** `spec.rules[0]`. */
  field: string
  lookup: BackendLookup
  report(problem: Problem): void
}

export interface BackendLookup {
  services: ServiceIndex
  externals: ExternalIndex
  /** Undefined when references into other namespaces need no grant. */
  grants: GrantIndex | undefined
  /**
   * Namespaces of the Services that the route is attached to: a consumer's route may send the calls on to where they were
   * going anyway without a grant (GEP-1294, Namespace boundaries; conformance test MeshConsumerRoute).
   */
  parentNamespaces: ReadonlySet<string>
  /** The ExternalServices that the route is attached to, as `namespace/name`. */
  externalParents: ReadonlySet<string>
}
