/** The kinds that Weft reads, in one table that the sources, `weft lint` and the docs iterate. */
import type { z } from 'zod'
import { accessPolicySchema } from './access-policy.ts'
import { accessPolicyFaults } from './access-policy-rules.ts'
import { authenticationPolicyFaults, authenticationPolicySchema } from './authentication-policy.ts'
import { backendTlsPolicyFaults, backendTlsPolicySchema } from './backend-tls-policy.ts'
import { configMapSchema } from './config-map.ts'
import * as core from './core.ts'
import { externalServiceSchema } from './external-service.ts'
import { externalServiceFaults } from './external-service-rules.ts'
import * as gateway from './gateway.ts'
import { grpcRouteSchema } from './grpc-route.ts'
import { grpcRouteFaults } from './grpc-route-rules.ts'
import { httpRouteFaults } from './http-route-rules.ts'
import { meshSettingsFaults, meshSettingsSchema } from './mesh-settings.ts'
import type { RuleFault } from './rule-check.ts'
import { serviceFaults } from './service-rules.ts'
import { tcpRouteSchema, tlsRouteSchema, udpRouteSchema } from './stream-route.ts'
import { streamRouteFaults } from './stream-route-rules.ts'
import { trafficPolicySchema } from './traffic-policy.ts'
import { trafficPolicyFaults } from './traffic-policy-rules.ts'
import { deploymentFaults, podFaults } from './workload-rules.ts'

const gatewayGroup = 'gateway.networking.k8s.io'
const ownGroup = 'weft.dev'

interface KindRow {
  /** API group; empty for the core. */
  group: string
  isNamespaced: boolean
  /** What an object must pass. */
  schema: z.ZodType
  /** What no field's schema can say; for objects that passed the schema. */
  rules?: (value: never) => RuleFault[]
}

/** One row a kind. */
export const kinds = {
  Namespace: { group: '', isNamespaced: false, schema: core.namespaceSchema },
  ServiceAccount: { group: '', isNamespaced: true, schema: core.serviceAccountSchema },
  Service: { group: '', isNamespaced: true, schema: core.serviceSchema, rules: serviceFaults },
  Pod: { group: '', isNamespaced: true, schema: core.podSchema, rules: podFaults },
  Deployment: { group: 'apps', isNamespaced: true, schema: core.deploymentSchema, rules: deploymentFaults },
  EndpointSlice: { group: 'discovery.k8s.io', isNamespaced: true, schema: core.endpointSliceSchema },
  ConfigMap: { group: '', isNamespaced: true, schema: configMapSchema },
  HTTPRoute: { group: gatewayGroup, isNamespaced: true, schema: gateway.httpRouteSchema, rules: httpRouteFaults },
  GRPCRoute: { group: gatewayGroup, isNamespaced: true, schema: grpcRouteSchema, rules: grpcRouteFaults },
  TLSRoute: { group: gatewayGroup, isNamespaced: true, schema: tlsRouteSchema, rules: streamRouteFaults },
  TCPRoute: { group: gatewayGroup, isNamespaced: true, schema: tcpRouteSchema, rules: streamRouteFaults },
  UDPRoute: { group: gatewayGroup, isNamespaced: true, schema: udpRouteSchema, rules: streamRouteFaults },
  BackendTLSPolicy: {
    group: gatewayGroup,
    isNamespaced: true,
    schema: backendTlsPolicySchema,
    rules: backendTlsPolicyFaults,
  },
  ReferenceGrant: { group: gatewayGroup, isNamespaced: true, schema: gateway.referenceGrantSchema },
  AccessPolicy: { group: ownGroup, isNamespaced: true, schema: accessPolicySchema, rules: accessPolicyFaults },
  AuthenticationPolicy: {
    group: ownGroup,
    isNamespaced: true,
    schema: authenticationPolicySchema,
    rules: authenticationPolicyFaults,
  },
  ExternalService: {
    group: ownGroup,
    isNamespaced: true,
    schema: externalServiceSchema,
    rules: externalServiceFaults,
  },
  TrafficPolicy: { group: ownGroup, isNamespaced: true, schema: trafficPolicySchema, rules: trafficPolicyFaults },
  Mesh: { group: ownGroup, isNamespaced: false, schema: meshSettingsSchema, rules: meshSettingsFaults },
} as const satisfies Record<string, KindRow>

export type KindName = keyof typeof kinds

/** The object type of each kind. */
export type Kinds = { [K in KindName]: z.infer<(typeof kinds)[K]['schema']> }
