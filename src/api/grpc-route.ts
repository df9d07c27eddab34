/** GRPCRoute (`gateway.networking.k8s.io/v1`, 1.6.3); what spans fields stands in `grpc-route-rules.ts`. */
import { z } from 'zod'
import {
  backendRef,
  extensionFilter,
  headerMatch,
  mirrorFilter,
  parentRefSchema,
  requestHeaderFilter,
  responseHeaderFilter,
  sessionPersistenceSchema,
} from './gateway.ts'
import { metadataSchema } from './metadata.ts'
import { subdomainName } from './text-form.ts'

export const grpcFilterSchema = z.discriminatedUnion('type', [
  requestHeaderFilter,
  responseHeaderFilter,
  mirrorFilter,
  extensionFilter,
])

export const grpcMatchSchema = z.strictObject({
  method: z
    .strictObject({
      type: z.enum(['Exact', 'RegularExpression']).optional(),
      service: z.string().max(1024).optional(),
      method: z.string().max(1024).optional(),
    })
    .optional(),
  headers: z.array(headerMatch).max(16).optional(),
})

export const grpcRuleSchema = z.strictObject({
  name: subdomainName.optional(),
  matches: z.array(grpcMatchSchema).max(64).optional(),
  filters: z.array(grpcFilterSchema).max(16).optional(),
  backendRefs: z
    .array(z.strictObject({ ...backendRef, filters: z.array(grpcFilterSchema).max(16).optional() }))
    .max(16)
    .optional(),
  sessionPersistence: sessionPersistenceSchema.optional(),
})

export const grpcRouteSchema = z.strictObject({
  apiVersion: z.literal('gateway.networking.k8s.io/v1'),
  kind: z.literal('GRPCRoute'),
  metadata: metadataSchema,
  spec: z.strictObject({
    parentRefs: z.array(parentRefSchema).max(32).optional(),
    hostnames: z.array(z.string().min(1).max(253)).max(16).optional(),
    rules: z.array(grpcRuleSchema).max(16).optional(),
  }),
  status: z.unknown().optional(),
})

export type GRPCRoute = z.infer<typeof grpcRouteSchema>
export type GRPCRule = z.infer<typeof grpcRuleSchema>
export type GRPCMatch = z.infer<typeof grpcMatchSchema>
