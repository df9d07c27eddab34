/** JwtRules → envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type JwtProvider, type JwtRules, jwtMetadata } from '#/model/authentication.ts'
import {
  JwtAuthenticationSchema,
  type JwtProviderSchema,
  type JwtRequirementSchema,
} from '#/xds/proto/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts'
import { packAny } from './any.ts'
import type { HttpFilterEncoder } from './http-filter.ts'

type Requirement = Exclude<MessageInitShape<typeof JwtRequirementSchema>, { $typeName: string }>

function providerOf(provider: JwtProvider): MessageInitShape<typeof JwtProviderSchema> {
  const { from } = provider
  return {
    issuer: provider.issuer,
    audiences: [...provider.audiences],
    jwksSourceSpecifier: {
      case: 'localJwks',
      value: { specifier: { case: 'inlineString', value: provider.keySet } },
    },
    forward: provider.isForwarded,
    fromHeaders: from.headers.map(({ name, prefix }) => ({ name, valuePrefix: prefix })),
    fromParams: [...from.params],
    fromCookies: [...from.cookies],
    claimToHeaders: provider.claimsToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    payloadInMetadata: jwtMetadata.key,
    clockSkewSeconds: provider.clockSkewSeconds,
  }
}

/** Envoy takes no alternative of one. */
function requirementOf({ providers, requirement }: JwtRules): Requirement {
  const named = providers.map(({ name }): Requirement => ({ requiresType: { case: 'providerName', value: name } }))
  if (requirement === 'optional') named.push({ requiresType: { case: 'allowMissing', value: {} } })
  return named.length === 1 ? named[0]! : { requiresType: { case: 'requiresAny', value: { requirements: named } } }
}

export const jwtEncoder: HttpFilterEncoder = {
  name: 'envoy.filters.http.jwt_authn',
  encode({ jwt }) {
    if (!jwt || jwt.providers.length === 0) return undefined
    const message = create(JwtAuthenticationSchema, {
      providers: Object.fromEntries(jwt.providers.map((provider) => [provider.name, providerOf(provider)])),
      rules: [
        {
          match: { pathSpecifier: { case: 'prefix', value: '/' } },
          requirementType: { case: 'requires', value: requirementOf(jwt) },
        },
      ],
      // A browser sends no credentials with one (Fetch, section 3.2.2).
      bypassCorsPreflight: true,
      // Answers say which rule a token broke in `www-authenticate` alone.
      stripFailureResponse: true,
    })
    return packAny(JwtAuthenticationSchema, message)
  },
  /** Listeners ask for tokens, routes do not. */
  encodeRoute: () => undefined,
}
