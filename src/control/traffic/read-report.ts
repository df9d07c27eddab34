/** What a sidecar tells of its traffic, read with care: it comes from another process, and a newer or older one perhaps. */
import { z } from 'zod'
import type { TrafficReport } from '#/model/traffic.ts'

/** Names, paths and hosts; longer ones are nobody's. */
const text = z.string().max(2048)
const whole = z.number().nonnegative()
const port = z.int().min(0).max(65_535)
const protocol = z.enum(['http', 'grpc', 'tcp', 'udp'])

const edgeSchema = z.object({
  direction: z.enum(['inbound', 'outbound']),
  principal: text,
  caller: text,
  addressBlock: text,
  destination: text,
  port,
  protocol,
  method: text,
  path: text,
  security: z.enum(['mutual_tls', 'tls', 'plaintext']),
  verdict: z.enum(['allowed', 'audited', 'denied']),
  rule: text,
  count: whole,
  firstMs: whole,
  lastMs: whole,
})

const decisionSchema = z.object({
  sequence: z.int().positive(),
  source: text,
  atMs: whole,
  verdict: z.enum(['audited', 'denied']),
  code: text,
  rule: text,
  principal: text,
  caller: text,
  address: text,
  port,
  protocol,
  method: text,
  authority: text,
  path: text,
  requestId: text,
})

const reportSchema: z.ZodType<TrafficReport> = z.object({
  sinceMs: whole,
  nowMs: whole,
  edges: z.array(edgeSchema).max(200_000),
  uncounted: whole,
  decisions: z.array(decisionSchema).max(20_000),
})

/** @throws SyntaxError, ZodError for what is none. */
export function readTrafficReport(json: string): TrafficReport {
  return reportSchema.parse(JSON.parse(json))
}
