/**
 * TCPRoute, TLSRoute and UDPRoute (`gateway.networking.k8s.io`, 1.6.3): where connections and datagrams go whose content
 * nobody reads. All three are of the standard channel as `v1`; the alpha versions are deprecated, and the same.
 */
import { z } from 'zod'
import { backendRef, parentRefSchema } from './gateway.ts'
import { metadataSchema } from './metadata.ts'
import { subdomainName } from './text-form.ts'

const group = 'gateway.networking.k8s.io'
const parentRefs = z.array(parentRefSchema).max(32).optional()

export const streamRuleSchema = z.strictObject({
  name: subdomainName.optional(),
  backendRefs: z.array(z.strictObject(backendRef)).min(1).max(16),
})

/** Since nothing of a connection is looked at, a second rule could never take one: the CRD allows one. */
const oneRule = z.array(streamRuleSchema).min(1).max(1)

export const tcpRouteSchema = z.strictObject({
  apiVersion: z.enum([`${group}/v1`, `${group}/v1alpha2`]),
  kind: z.literal('TCPRoute'),
  metadata: metadataSchema,
  spec: z.strictObject({ parentRefs, rules: oneRule }),
  status: z.unknown().optional(),
})

export const udpRouteSchema = z.strictObject({
  apiVersion: z.enum([`${group}/v1`, `${group}/v1alpha2`]),
  kind: z.literal('UDPRoute'),
  metadata: metadataSchema,
  spec: z.strictObject({ parentRefs, rules: oneRule }),
  status: z.unknown().optional(),
})

export const tlsRouteSchema = z.strictObject({
  apiVersion: z.enum([`${group}/v1`, `${group}/v1alpha3`, `${group}/v1alpha2`]),
  kind: z.literal('TLSRoute'),
  metadata: metadataSchema,
  spec: z.strictObject({
    parentRefs,
    // 16 before 1.6.
    hostnames: z.array(z.string().min(1).max(253)).min(1).max(1024),
    rules: oneRule,
  }),
  status: z.unknown().optional(),
})

export type StreamRule = z.infer<typeof streamRuleSchema>
export type TCPRoute = z.infer<typeof tcpRouteSchema>
export type UDPRoute = z.infer<typeof udpRouteSchema>
export type TLSRoute = z.infer<typeof tlsRouteSchema>
