/** `spec.externalAuthorization` of an AuthenticationPolicy: the server that is asked about each request. Fields as in GEP-1494 where it has them. */
import { z } from 'zod'
import { durationMs } from './duration.ts'
import type { FieldPath, RuleCheck } from './rule-check.ts'
import { duration, objectName, portNumber } from './text-form.ts'

const headerNames = z.array(z.string().min(1).max(128)).max(64)

export const externalAuthorizationSchema = z.strictObject({
  /** `GRPC`: `envoy.service.auth.v3.Authorization`. `HTTP`: the request's own method and path; 200 allows. */
  protocol: z.enum(['GRPC', 'HTTP']),
  /** A Service; of the policy's own namespace unless said. */
  backendRef: z.strictObject({ name: objectName, namespace: objectName.optional(), port: portNumber }),
  grpc: z.strictObject({ allowedHeaders: headerNames.optional() }).optional(),
  http: z
    .strictObject({
      /** In front of the request's path. */
      path: z.string().min(1).max(1024).optional(),
      /** That the server is told beside `authorization`. */
      allowedHeaders: headerNames.optional(),
      /** Of an answer of 200, that the application gets in place of the request's own. */
      allowedResponseHeaders: headerNames.optional(),
    })
    .optional(),
  /** The server is told the body too. */
  forwardBody: z
    .strictObject({
      /** Bytes; a longer body is answered 413. */
      maxSize: z.int().min(1).max(1_048_576),
      /** A longer body is told up to `maxSize`. */
      allowPartial: z.boolean().optional(),
    })
    .optional(),
  /** Of one question with its answer. Default: 200ms. */
  timeout: duration.optional(),
  /** What holds without an answer. Default: `Deny`. */
  failureMode: z.enum(['Deny', 'Allow']).optional(),
})

export type ExternalAuthorizationSpec = z.infer<typeof externalAuthorizationSchema>

export function checkExternalAuthorization(check: RuleCheck, spec: ExternalAuthorizationSpec, path: FieldPath): void {
  const { protocol, grpc, http, timeout } = spec
  const other = protocol === 'GRPC' ? 'http' : 'grpc'
  if (spec[other] !== undefined)
    check.add('contradiction', [...path, other], `the protocol is ${protocol}`, `take ${other} out, or change protocol`)
  if (http?.path !== undefined && !/^\/[!-~]*$/.test(http.path))
    check.add('wrong-format', [...path, 'http', 'path'], 'a path begins with a slash', 'write /check')
  if (timeout !== undefined && durationMs(timeout) === 0)
    check.add('out-of-range', [...path, 'timeout'], 'no server answers in no time', 'write 200ms, or leave it out')
  const lists = { grpc: grpc?.allowedHeaders, http: http?.allowedHeaders }
  for (const [field, names] of Object.entries(lists))
    for (const [index, name] of (names ?? []).entries())
      check.headerName([...path, field, 'allowedHeaders', index], name)
  for (const [index, name] of (http?.allowedResponseHeaders ?? []).entries())
    check.headerName([...path, 'http', 'allowedResponseHeaders', index], name)
}
