/** `spec.jwt` of an AuthenticationPolicy: the issuers whose tokens are believed, and what is made of them. */
import { z } from 'zod'
import type { FieldPath, RuleCheck } from './rule-check.ts'

const text = z.string().min(1).max(1024)
const headerName = z.string().min(1).max(128)

const providerSchema = z.strictObject({
  name: z.string().min(1).max(63),
  /** The claim `iss`, letter by letter. */
  issuer: text,
  /** One of these has to stand in the claim `aud`; absent for any. */
  audiences: z.array(text).min(1).max(16).optional(),
  /** Where the issuer's keys are; the control plane fetches them. */
  jwksUri: z.string().min(1).max(2048).optional(),
  /** The keys themselves: a JWK set as JSON. */
  jwks: z.string().min(1).max(65_536).optional(),
  /** Where tokens stand. Of none of the three: `authorization: Bearer`, and the parameter `access_token`. */
  fromHeaders: z
    .array(z.strictObject({ name: headerName, prefix: z.string().max(64).optional() }))
    .min(1)
    .max(8)
    .optional(),
  fromParams: z.array(text).min(1).max(8).optional(),
  fromCookies: z.array(text).min(1).max(8).optional(),
  /** Claims that the application gets; callers can't set these headers. */
  claimToHeaders: z
    .array(z.strictObject({ header: headerName, claim: text }))
    .min(1)
    .max(32)
    .optional(),
  /** Default: false, the application does not get the token. */
  forwardToken: z.boolean().optional(),
  /** By how much clocks may differ, seconds. Default: 60. */
  clockSkewSeconds: z.int().min(1).max(600).optional(),
})

export const tokenRulesSchema = z.strictObject({
  /** `Optional` (default): who brings no token may pass, who brings a bad one may not. */
  requirement: z.enum(['Optional', 'Required']).optional(),
  providers: z.array(providerSchema).min(1).max(16),
})

export type TokenRulesSpec = z.infer<typeof tokenRulesSchema>
export type TokenProviderSpec = TokenRulesSpec['providers'][number]

export function checkTokenRules(check: RuleCheck, { providers }: TokenRulesSpec, path: FieldPath): void {
  providers.forEach((provider, index) => {
    checkProvider(check, provider, [...path, 'providers', index])
  })
  const at = (field: string) => (index: number) => [...path, 'providers', index, field]
  check.unique(
    providers.map(({ name }) => name),
    at('name'),
    'the provider',
  )
  check.unique(
    providers.map(({ issuer }) => issuer),
    at('issuer'),
    'the issuer',
  )
}

function checkProvider(check: RuleCheck, provider: TokenProviderSpec, path: FieldPath): void {
  const { jwks, jwksUri, fromHeaders = [], claimToHeaders = [] } = provider
  if ((jwks === undefined) === (jwksUri === undefined))
    check.add(
      jwks === undefined ? 'missing-field' : 'contradiction',
      [...path, 'jwksUri'],
      'keys come from jwksUri or stand in jwks, one of both',
      'write where the issuer publishes its keys',
    )
  if (jwksUri !== undefined && !isWebAddress(jwksUri))
    check.add('wrong-format', [...path, 'jwksUri'], 'this is no http or https address', 'write https://…')
  if (jwks !== undefined && !isKeySet(jwks))
    check.add('wrong-format', [...path, 'jwks'], 'this is no JWK set (RFC 7517)', 'write {"keys": […]} as JSON')
  for (const [index, { name }] of fromHeaders.entries()) check.headerName([...path, 'fromHeaders', index, 'name'], name)
  for (const [index, { header }] of claimToHeaders.entries())
    check.headerName([...path, 'claimToHeaders', index, 'header'], header)
}

function isWebAddress(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === ''
}

function isKeySet(value: string): boolean {
  try {
    return Array.isArray((JSON.parse(value) as { keys?: unknown } | null)?.keys)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
