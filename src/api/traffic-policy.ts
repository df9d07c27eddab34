/** TrafficPolicy (`weft.dev/v1alpha1`): how a Service is called: which endpoint is chosen, how much at a time, and who is left out. */
import { z } from 'zod'
import { metadataSchema } from './metadata.ts'
import { policyTargetFields } from './policy-target.ts'
import { duration } from './text-form.ts'

const percent = z.int().min(0).max(100)
/** Envoy's counts are of 32 bits. */
const count = z.int().min(1).max(0xffff_ffff)
const countOrNone = z.int().min(0).max(0xffff_ffff)

/** One of them. */
const hashKeySchema = z.strictObject({
  header: z.string().min(1).max(256).optional(),
  cookie: z.string().min(1).max(256).optional(),
  query: z.string().min(1).max(256).optional(),
  /** The path with its query. */
  path: z.literal(true).optional(),
  /** The caller's address. */
  source: z.literal(true).optional(),
})

const loadBalancingSchema = z.strictObject({
  type: z.enum(['RoundRobin', 'LeastRequest', 'Random', 'PeakEWMA', 'RingHash', 'Maglev']),
  /** Requests with the same key go to the same endpoint; the first key counts that a request has. */
  hashOn: z.array(hashKeySchema).min(1).max(8).optional(),
})

const circuitBreakersSchema = z.strictObject({
  /** Of one caller's proxy to all endpoints together; so are the others. */
  connections: count.optional(),
  pendingRequests: countOrNone.optional(),
  requests: count.optional(),
  retries: countOrNone.optional(),
  /** In place of `retries`. */
  retryBudget: z
    .strictObject({
      /** Of the requests under way, that may be retries. Default: 20. */
      percent: percent.optional(),
      /** Retries that may be under way however few requests there are. Default: 3. */
      minConcurrency: countOrNone.optional(),
    })
    .optional(),
})

const outlierDetectionSchema = z.strictObject({
  interval: duration.optional(),
  baseEjectionTime: duration.optional(),
  maxEjectionTime: duration.optional(),
  maxEjectionPercent: percent.optional(),
  /** Answers of 500 and above in a row; 0 turns it off. */
  consecutiveFailures: countOrNone.optional(),
  /** 502, 503 and 504 in a row. */
  consecutiveGatewayFailures: countOrNone.optional(),
  /** Connections that fail, are cut or take too long, in a row. Without it they count among the failures above. */
  consecutiveLocalFailures: count.optional(),
  successRate: z
    .strictObject({
      /** Below the mean of all endpoints. */
      deviations: z.number().min(0).max(100).optional(),
      minEndpoints: count.optional(),
      minRequests: count.optional(),
    })
    .optional(),
  failureShare: z
    .strictObject({
      percent: z.int().min(1).max(100),
      minEndpoints: count.optional(),
      minRequests: count.optional(),
    })
    .optional(),
})

export const trafficPolicySchema = z.strictObject({
  apiVersion: z.literal('weft.dev/v1alpha1'),
  kind: z.literal('TrafficPolicy'),
  metadata: metadataSchema,
  spec: z.strictObject({
    targetRefs: policyTargetFields.targetRefs,
    loadBalancing: loadBalancingSchema.optional(),
    circuitBreakers: circuitBreakersSchema.optional(),
    outlierDetection: outlierDetectionSchema.optional(),
    /** Percent of endpoints that must be left for ejections to count. */
    panicThreshold: percent.optional(),
  }),
  status: z.unknown().optional(),
})

export type TrafficPolicy = z.infer<typeof trafficPolicySchema>
export type TrafficSpec = TrafficPolicy['spec']
