/** Gateway API kinds (`gateway.networking.k8s.io`, 1.6), strict: an unknown field is a fault with a name. */
import { z } from 'zod'
import { metadataSchema } from './core.ts'

const port = z.int().min(1).max(65535)
const header = z.strictObject({ name: z.string().min(1).max(256), value: z.string().max(4096) })

export const headerFilterSchema = z.strictObject({
  set: z.array(header).max(16).optional(),
  add: z.array(header).max(16).optional(),
  remove: z.array(z.string()).max(16).optional(),
})

const objectRef = {
  group: z.string().optional(),
  kind: z.string().optional(),
  name: z.string().min(1),
  namespace: z.string().optional(),
}

const backendObjectRef = z.strictObject({ ...objectRef, port: port.optional() })

const pathModifier = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ReplaceFullPath'), replaceFullPath: z.string().max(1024) }),
  z.strictObject({ type: z.literal('ReplacePrefixMatch'), replacePrefixMatch: z.string().max(1024) }),
])

const mirrorSchema = z.strictObject({
  backendRef: backendObjectRef,
  percent: z.int().min(0).max(100).optional(),
  fraction: z.strictObject({ numerator: z.int().min(0), denominator: z.int().min(1).optional() }).optional(),
})

const redirectSchema = z.strictObject({
  scheme: z.enum(['http', 'https']).optional(),
  hostname: z.string().optional(),
  path: pathModifier.optional(),
  port: port.optional(),
  statusCode: z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]).optional(),
})

const rewriteSchema = z.strictObject({ hostname: z.string().optional(), path: pathModifier.optional() })

const corsSchema = z.strictObject({
  allowOrigins: z.array(z.string()).max(64).optional(),
  allowCredentials: z.boolean().optional(),
  allowMethods: z.array(z.string()).max(9).optional(),
  allowHeaders: z.array(z.string()).max(64).optional(),
  exposeHeaders: z.array(z.string()).max(64).optional(),
  maxAge: z.int().min(1).optional(),
})

export const httpFilterSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('RequestHeaderModifier'), requestHeaderModifier: headerFilterSchema }),
  z.strictObject({ type: z.literal('ResponseHeaderModifier'), responseHeaderModifier: headerFilterSchema }),
  z.strictObject({ type: z.literal('RequestMirror'), requestMirror: mirrorSchema }),
  z.strictObject({ type: z.literal('RequestRedirect'), requestRedirect: redirectSchema }),
  z.strictObject({ type: z.literal('URLRewrite'), urlRewrite: rewriteSchema }),
  z.strictObject({ type: z.literal('CORS'), cors: corsSchema }),
  z.strictObject({ type: z.literal('ExtensionRef'), extensionRef: z.strictObject(objectRef) }),
])

const valueMatch = z.strictObject({
  type: z.enum(['Exact', 'RegularExpression']).optional(),
  name: z.string().min(1).max(256),
  value: z.string().min(1).max(4096),
})

export const httpMatchSchema = z.strictObject({
  path: z
    .strictObject({
      type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).optional(),
      value: z.string().max(1024).optional(),
    })
    .optional(),
  headers: z.array(valueMatch).max(16).optional(),
  queryParams: z.array(valueMatch).max(16).optional(),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']).optional(),
})

/** GEP-2257: up to four numbers with unit h, m, s or ms, each at most five digits. */
export const durationSchema = z
  .string()
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, 'a duration like 1s, 500ms or 1m30s (GEP-2257)')

export const httpBackendRefSchema = z.strictObject({
  ...objectRef,
  port: port.optional(),
  weight: z.int().min(0).max(1_000_000).optional(),
  filters: z.array(httpFilterSchema).max(16).optional(),
})

export const httpRuleSchema = z.strictObject({
  name: z.string().optional(),
  matches: z.array(httpMatchSchema).max(64).optional(),
  filters: z.array(httpFilterSchema).max(16).optional(),
  backendRefs: z.array(httpBackendRefSchema).max(16).optional(),
  timeouts: z
    .strictObject({ request: durationSchema.optional(), backendRequest: durationSchema.optional() })
    .optional(),
  retry: z
    .strictObject({
      codes: z.array(z.int().min(400).max(599)).optional(),
      attempts: z.int().min(0).optional(),
      backoff: durationSchema.optional(),
    })
    .optional(),
  sessionPersistence: z.looseObject({}).optional(),
})

export const parentRefSchema = z.strictObject({
  ...objectRef,
  sectionName: z.string().optional(),
  port: port.optional(),
})

export const httpRouteSchema = z.strictObject({
  apiVersion: z.literal('gateway.networking.k8s.io/v1'),
  kind: z.literal('HTTPRoute'),
  metadata: metadataSchema,
  spec: z.strictObject({
    parentRefs: z.array(parentRefSchema).max(32).optional(),
    hostnames: z.array(z.string()).max(16).optional(),
    rules: z.array(httpRuleSchema).max(16).optional(),
  }),
  status: z.unknown().optional(),
})

export const referenceGrantSchema = z.strictObject({
  apiVersion: z.enum(['gateway.networking.k8s.io/v1beta1', 'gateway.networking.k8s.io/v1']),
  kind: z.literal('ReferenceGrant'),
  metadata: metadataSchema,
  spec: z.strictObject({
    from: z.array(z.strictObject({ group: z.string(), kind: z.string(), namespace: z.string() })).min(1),
    to: z.array(z.strictObject({ group: z.string(), kind: z.string(), name: z.string().optional() })).min(1),
  }),
})

export type HTTPRoute = z.infer<typeof httpRouteSchema>
export type HTTPRule = z.infer<typeof httpRuleSchema>
export type HTTPMatch = z.infer<typeof httpMatchSchema>
export type HTTPFilter = z.infer<typeof httpFilterSchema>
export type HTTPBackendRef = z.infer<typeof httpBackendRefSchema>
export type ParentRef = z.infer<typeof parentRefSchema>
export type ReferenceGrant = z.infer<typeof referenceGrantSchema>
