/** AuthenticationPolicies → what each workload asks of tokens. Of several policies the most specific one that speaks of tokens holds. */
import type { AuthenticationPolicy } from '#/api/authentication-policy.ts'
import type { TokenProviderSpec } from '#/api/token-rules.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import { emptyKeySet, type JwtProvider, type JwtRules } from '#/model/authentication.ts'
import type { Workload } from '#/model/workload.ts'
import { faultOf } from '../fault.ts'
import { type AttachedPolicy, attachPolicies, targetKey, targetsWorkload } from '../policy-target.ts'
import { publicKeySet } from './public-key-set.ts'

/** By address, as they were fetched last. */
export type FetchedKeySets = ReadonlyMap<string, string>

/** Envoy's own. */
const defaultClockSkewSeconds = 60

interface Compiled {
  attached: AttachedPolicy<AuthenticationPolicy>
  rules: JwtRules
}

export class TokenRules {
  /** In force, the most specific first. */
  readonly #compiled: readonly Compiled[]
  readonly faults: readonly Fault[]

  /** @param fetched absent where nobody fetches any: then it is no fault that there are none. */
  constructor(resources: Resources, fetched?: FetchedKeySets) {
    const faults: Fault[] = []
    const taken = new Set<string>()
    const compiled: Compiled[] = []
    for (const attached of attachPolicies(resources.of('AuthenticationPolicy').values())) {
      const { jwt } = attached.policy.spec
      const key = targetKey(attached.target)
      if (!jwt || taken.has(key)) continue
      taken.add(key)
      const providers = jwt.providers.map((provider, index) => {
        const keySet = keySetOf(provider, fetched)
        if (keySet === undefined && fetched) faults.push(missingKeys(attached, provider, index))
        return providerOf(provider, keySet ?? emptyKeySet)
      })
      compiled.push({
        attached,
        rules: { providers, requirement: jwt.requirement === 'Required' ? 'required' : 'optional' },
      })
    }
    this.#compiled = compiled
    this.faults = faults
  }

  /** The same workloads where no policy speaks of tokens. */
  applyTo(workloads: Map<string, Workload>): Map<string, Workload> {
    if (this.#compiled.length === 0) return workloads
    return new Map([...workloads].map(([id, workload]) => [id, this.#withRules(workload)]))
  }

  #withRules(workload: Workload): Workload {
    const found = this.#compiled.find(({ attached }) => targetsWorkload(attached.target, workload))
    return found ? { ...workload, jwt: found.rules } : workload
  }
}

function keySetOf({ jwks, jwksUri }: TokenProviderSpec, fetched: FetchedKeySets | undefined): string | undefined {
  return jwksUri === undefined ? publicKeySet(jwks ?? '') : fetched?.get(jwksUri)
}

function providerOf(provider: TokenProviderSpec, keySet: string): JwtProvider {
  return {
    name: provider.name,
    issuer: provider.issuer,
    audiences: provider.audiences ?? [],
    keySet,
    from: {
      headers: (provider.fromHeaders ?? []).map(({ name, prefix = '' }) => ({ name: name.toLowerCase(), prefix })),
      params: provider.fromParams ?? [],
      cookies: provider.fromCookies ?? [],
    },
    claimsToHeaders: (provider.claimToHeaders ?? []).map(({ header, claim }) => ({
      header: header.toLowerCase(),
      claim,
    })),
    isForwarded: provider.forwardToken ?? false,
    clockSkewSeconds: provider.clockSkewSeconds ?? defaultClockSkewSeconds,
  }
}

function missingKeys(
  { ref, sourced }: AttachedPolicy<AuthenticationPolicy>,
  { name, jwksUri = '' }: TokenProviderSpec,
  index: number,
): Fault {
  return faultOf(ref, sourced, {
    severity: 'warning',
    code: 'jwks-unavailable',
    field: `spec.jwt.providers[${index}].jwksUri`,
    message: `The keys of ${name} could not be fetched from ${jwksUri} yet: requests with its tokens are answered 503.`,
    cure: 'The log of the control plane says why not; it tries again by itself.',
  })
}
