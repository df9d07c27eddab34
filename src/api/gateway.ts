/**
 * HTTPRoute and ReferenceGrant of Gateway API (`gateway.networking.k8s.io`, 1.6.3), strict: an unknown field is a fault with
 * a name. Limits are those of the CRDs; what spans fields stands in `http-route-rules.ts`. What the CRDs have in their
 * experimental channel only is unknown here, but for `sessionPersistence`, whose absence from force is told.
 */
import { z } from 'zod'
import { metadataSchema } from './metadata.ts'
import { duration, groupName, kindName, labelName, objectName, portNumber, subdomainName } from './text-form.ts'

const gatewayVersion = z.enum(['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1'])

/** Names are checked by a rule, which can say more. */
const headerName = z.string().min(1).max(256)
const header = z.strictObject({ name: headerName, value: z.string().min(1).max(4096) })

export const headerFilterSchema = z.strictObject({
  set: z.array(header).max(16).optional(),
  add: z.array(header).max(16).optional(),
  remove: z.array(z.string()).max(16).optional(),
})

const objectRef = {
  group: groupName.optional(),
  kind: kindName.optional(),
  name: objectName,
  namespace: labelName.optional(),
}

const backendObjectRef = z.strictObject({ ...objectRef, port: portNumber.optional() })

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
  hostname: z.string().min(1).max(253).optional(),
  path: pathModifier.optional(),
  port: portNumber.optional(),
  statusCode: z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]).optional(),
})

const rewriteSchema = z.strictObject({
  hostname: z.string().min(1).max(253).optional(),
  path: pathModifier.optional(),
})

/** `*`, or scheme, host (perhaps with a wildcard in front) and perhaps a port. */
const corsOrigin = z
  .string()
  .max(253)
  .regex(
    /^(\*|https?:\/\/(\*|(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)$/,
    'an origin like https://example.com, https://*.example.com:8443, or *',
  )

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const

const corsSchema = z.strictObject({
  allowOrigins: z.array(corsOrigin).max(64).optional(),
  allowCredentials: z.boolean().optional(),
  allowMethods: z
    .array(z.enum([...methods, '*']))
    .max(9)
    .optional(),
  allowHeaders: z.array(headerName).max(64).optional(),
  exposeHeaders: z.array(headerName).max(64).optional(),
  maxAge: z.int().min(1).max(2_147_483_647).optional(),
})

const extensionRef = z.strictObject({ group: groupName.optional(), kind: kindName, name: objectName })

export const requestHeaderFilter = z.strictObject({
  type: z.literal('RequestHeaderModifier'),
  requestHeaderModifier: headerFilterSchema,
})
export const responseHeaderFilter = z.strictObject({
  type: z.literal('ResponseHeaderModifier'),
  responseHeaderModifier: headerFilterSchema,
})
export const mirrorFilter = z.strictObject({ type: z.literal('RequestMirror'), requestMirror: mirrorSchema })
export const extensionFilter = z.strictObject({ type: z.literal('ExtensionRef'), extensionRef })

export const httpFilterSchema = z.discriminatedUnion('type', [
  requestHeaderFilter,
  responseHeaderFilter,
  mirrorFilter,
  z.strictObject({ type: z.literal('RequestRedirect'), requestRedirect: redirectSchema }),
  z.strictObject({ type: z.literal('URLRewrite'), urlRewrite: rewriteSchema }),
  z.strictObject({ type: z.literal('CORS'), cors: corsSchema }),
  extensionFilter,
])

const matchType = z.enum(['Exact', 'RegularExpression']).optional()
export const headerMatch = z.strictObject({ type: matchType, name: headerName, value: z.string().min(1).max(4096) })
const queryMatch = z.strictObject({ type: matchType, name: headerName, value: z.string().min(1).max(1024) })

export const httpMatchSchema = z.strictObject({
  path: z
    .strictObject({
      type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).optional(),
      value: z.string().max(1024).optional(),
    })
    .optional(),
  headers: z.array(headerMatch).max(16).optional(),
  queryParams: z.array(queryMatch).max(16).optional(),
  method: z.enum(methods).optional(),
})

/** Fields of a backendRef of any kind of route. */
export const backendRef = {
  ...objectRef,
  port: portNumber.optional(),
  weight: z.int().min(0).max(1_000_000).optional(),
}

export const httpBackendRefSchema = z.strictObject({
  ...backendRef,
  filters: z.array(httpFilterSchema).max(16).optional(),
})

export const sessionPersistenceSchema = z.strictObject({
  sessionName: z.string().max(128).optional(),
  absoluteTimeout: duration.optional(),
  idleTimeout: duration.optional(),
  type: z.enum(['Cookie', 'Header']).optional(),
  cookieConfig: z.strictObject({ lifetimeType: z.enum(['Permanent', 'Session']).optional() }).optional(),
})

export const httpRuleSchema = z.strictObject({
  name: subdomainName.optional(),
  matches: z.array(httpMatchSchema).max(64).optional(),
  filters: z.array(httpFilterSchema).max(16).optional(),
  backendRefs: z.array(httpBackendRefSchema).max(16).optional(),
  timeouts: z.strictObject({ request: duration.optional(), backendRequest: duration.optional() }).optional(),
  retry: z
    .strictObject({
      codes: z.array(z.int().min(400).max(599)).optional(),
      attempts: z.int().min(0).max(2_147_483_647).optional(),
      backoff: duration.optional(),
    })
    .optional(),
  sessionPersistence: sessionPersistenceSchema.optional(),
})

export const parentRefSchema = z.strictObject({
  ...objectRef,
  sectionName: subdomainName.optional(),
  port: portNumber.optional(),
})

export const httpRouteSchema = z.strictObject({
  apiVersion: gatewayVersion,
  kind: z.literal('HTTPRoute'),
  metadata: metadataSchema,
  spec: z.strictObject({
    parentRefs: z.array(parentRefSchema).max(32).optional(),
    hostnames: z.array(z.string().min(1).max(253)).max(16).optional(),
    rules: z.array(httpRuleSchema).min(1).max(16).optional(),
  }),
  status: z.unknown().optional(),
})

export const referenceGrantSchema = z.strictObject({
  apiVersion: gatewayVersion,
  kind: z.literal('ReferenceGrant'),
  metadata: metadataSchema,
  spec: z.strictObject({
    from: z
      .array(z.strictObject({ group: groupName, kind: kindName, namespace: labelName }))
      .min(1)
      .max(16),
    to: z
      .array(z.strictObject({ group: groupName, kind: kindName, name: objectName.optional() }))
      .min(1)
      .max(16),
  }),
})

export type HTTPRoute = z.infer<typeof httpRouteSchema>
export type HTTPRule = z.infer<typeof httpRuleSchema>
export type HTTPMatch = z.infer<typeof httpMatchSchema>
export type HTTPFilter = z.infer<typeof httpFilterSchema>
export type HTTPBackendRef = z.infer<typeof httpBackendRefSchema>
export type ParentRef = z.infer<typeof parentRefSchema>
export type ReferenceGrant = z.infer<typeof referenceGrantSchema>
