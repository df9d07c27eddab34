/** AccessPolicy (`weft.dev/v1alpha1`): who may do what at workloads, at a Service, at a route. */
import { z } from 'zod'
import { metadataSchema } from './metadata.ts'
import { policyTargetFields } from './policy-target.ts'
import { labelName, portNumber } from './text-form.ts'

/** Their forms are checked by rules, which can say more. */
const texts = z.array(z.string().min(1).max(1024)).min(1).max(256).optional()
const ports = z.array(portNumber).min(1).max(64).optional()
const namespaces = z.array(labelName).min(1).max(256).optional()

const claims = z
  .array(
    z.strictObject({
      /** Dots lead into objects (`realm_access.roles`); a name with a slash (`https://shop.example/roles`) is one. */
      name: z.string().min(1).max(256),
      values: z.array(z.string().max(1024)).min(1).max(64),
    }),
  )
  .min(1)
  .max(16)
  .optional()

/** All fields of a source must hold, and of a field one entry. */
const sourceSchema = z.strictObject({
  /** `NAMESPACE/NAME`, `NAME` for the policy's own namespace, `NAMESPACE/*`, `*` for any caller that is verified. */
  serviceAccounts: texts,
  notServiceAccounts: texts,
  namespaces,
  notNamespaces: namespaces,
  /** Of the ids of callers; absent: the mesh's own where service accounts or namespaces are named. */
  trustDomains: texts,
  notTrustDomains: texts,
  /** Addresses or CIDR blocks of the other end of the connection. */
  ipBlocks: texts,
  notIpBlocks: texts,
  /** Of a token that an AuthenticationPolicy has taken. Of `claims` each must hold, of `notClaims` none. */
  claims,
  notClaims: claims,
})

const headerSchema = z.strictObject({
  name: z.string().min(1).max(256),
  /** One of them; absent: it only has to be there. */
  values: z.array(z.string().max(256)).min(1).max(64).optional(),
})

const grpcSchema = z.strictObject({
  /** With its package: `shop.Orders`. */
  service: z.string().min(1).max(1024),
  methods: z.array(z.string().min(1).max(1024)).min(1).max(64).optional(),
})

const headers = z.array(headerSchema).min(1).max(16).optional()
const grpc = z.array(grpcSchema).min(1).max(64).optional()

/** As sources. Of `headers` each must hold, of `notHeaders` none. */
const operationSchema = z.strictObject({
  /** Of the workload, as its containers number them. */
  ports,
  notPorts: ports,
  methods: texts,
  notMethods: texts,
  /** `/orders`, `/orders/*` for one segment, `/orders/**` for all below. */
  paths: texts,
  notPaths: texts,
  /** `shop.example`, `*.shop.example`; with or without a port. */
  hosts: texts,
  notHosts: texts,
  grpc,
  notGrpc: grpc,
  headers,
  notHeaders: headers,
})

const ruleSchema = z.strictObject({
  from: z.array(sourceSchema).min(1).max(64).optional(),
  to: z.array(operationSchema).min(1).max(64).optional(),
  /** CEL. */
  when: z.string().min(1).max(4096).optional(),
})

export const accessPolicySchema = z.strictObject({
  apiVersion: z.literal('weft.dev/v1alpha1'),
  kind: z.literal('AccessPolicy'),
  metadata: metadataSchema,
  spec: z.strictObject({
    ...policyTargetFields,
    /** Default `Allow`. `Audit`: what matches is told, and passes if it may. */
    action: z.enum(['Allow', 'Deny', 'Audit']).optional(),
    /** Of an Allow that has none nothing is allowed: deny by default. */
    rules: z.array(ruleSchema).max(64).optional(),
  }),
  status: z.unknown().optional(),
})

export type AccessPolicy = z.infer<typeof accessPolicySchema>
export type AccessPolicyRule = z.infer<typeof ruleSchema>
export type AccessSource = z.infer<typeof sourceSchema>
export type AccessClaim = NonNullable<AccessSource['claims']>[number]
export type AccessOperation = z.infer<typeof operationSchema>
export type AccessHeader = z.infer<typeof headerSchema>
export type AccessGrpc = z.infer<typeof grpcSchema>
