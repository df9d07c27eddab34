/** The kinds that Weft reads, in one table that the sources, `weft lint` and the docs iterate. */
import type { z } from 'zod'
import * as core from './core.ts'
import * as gateway from './gateway.ts'

/** One row a kind: its group, whether it lives in a namespace, and the schema that an object must pass. */
export const kinds = {
  Namespace: { group: '', isNamespaced: false, schema: core.namespaceSchema },
  ServiceAccount: { group: '', isNamespaced: true, schema: core.serviceAccountSchema },
  Service: { group: '', isNamespaced: true, schema: core.serviceSchema },
  Pod: { group: '', isNamespaced: true, schema: core.podSchema },
  Deployment: { group: 'apps', isNamespaced: true, schema: core.deploymentSchema },
  EndpointSlice: { group: 'discovery.k8s.io', isNamespaced: true, schema: core.endpointSliceSchema },
  HTTPRoute: { group: 'gateway.networking.k8s.io', isNamespaced: true, schema: gateway.httpRouteSchema },
  ReferenceGrant: { group: 'gateway.networking.k8s.io', isNamespaced: true, schema: gateway.referenceGrantSchema },
} as const satisfies Record<string, { group: string; isNamespaced: boolean; schema: z.ZodType }>

export type KindName = keyof typeof kinds

/** The object type of each kind. */
export type Kinds = { [K in KindName]: z.infer<(typeof kinds)[K]['schema']> }
