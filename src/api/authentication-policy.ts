/** AuthenticationPolicy (`weft.dev/v1alpha1`): what workloads ask of those who call them, before it is decided what these may do. */
import { z } from 'zod'
import { checkExternalAuthorization, externalAuthorizationSchema } from './external-authorization.ts'
import { metadataSchema } from './metadata.ts'
import { checkPolicyTargets, policyTargetFields } from './policy-target.ts'
import { RuleCheck, type RuleFault } from './rule-check.ts'
import { portNumber } from './text-form.ts'
import { checkTokenRules, tokenRulesSchema } from './token-rules.ts'

/** `Permissive`: mutual TLS and plain text are both taken. */
const mutualTlsMode = z.enum(['Disabled', 'Permissive', 'Strict'])

const mutualTlsSchema = z.strictObject({
  mode: mutualTlsMode.optional(),
  /** Ports of the workload, as its containers number them, that differ from `mode`. */
  ports: z
    .array(z.strictObject({ port: portNumber, mode: mutualTlsMode }))
    .max(64)
    .optional(),
})

export const authenticationPolicySchema = z.strictObject({
  apiVersion: z.literal('weft.dev/v1alpha1'),
  kind: z.literal('AuthenticationPolicy'),
  metadata: metadataSchema,
  spec: z.strictObject({
    ...policyTargetFields,
    mutualTls: mutualTlsSchema.optional(),
    jwt: tokenRulesSchema.optional(),
    externalAuthorization: externalAuthorizationSchema.optional(),
  }),
  status: z.unknown().optional(),
})

export type AuthenticationPolicy = z.infer<typeof authenticationPolicySchema>

export function authenticationPolicyFaults(policy: AuthenticationPolicy): RuleFault[] {
  const check = new RuleCheck()
  checkPolicyTargets(check, policy, ['Mesh', 'Namespace'])
  const { mutualTls } = policy.spec
  if (mutualTls && mutualTls.mode === undefined && !mutualTls.ports?.length)
    check.add(
      'missing-field',
      ['spec', 'mutualTls', 'mode'],
      'mutualTls says nothing',
      'write mode: Strict, Permissive or Disabled',
    )
  check.unique(
    mutualTls?.ports?.map(({ port }) => String(port)) ?? [],
    (index) => ['spec', 'mutualTls', 'ports', index, 'port'],
    'the port',
  )
  if (policy.spec.jwt) checkTokenRules(check, policy.spec.jwt, ['spec', 'jwt'])
  const { externalAuthorization } = policy.spec
  if (externalAuthorization) checkExternalAuthorization(check, externalAuthorization, ['spec', 'externalAuthorization'])
  return check.faults
}
