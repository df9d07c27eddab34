/** The rules of a listener about tokens, ready for use: asked once a request. What was verified once is kept. */
import type { RequestHead } from '#/codec/message.ts'
import type { JwtPlaces, JwtRules } from '#/model/authentication.ts'
import { readCompactToken } from './compact-token.ts'
import { TokenFault } from './token-fault.ts'
import { findTokens, placesOf, removeHeaders, removeTokens, withoutParams } from './token-place.ts'
import { TokenProvider, timeFault } from './token-provider.ts'
import type { VerifiedToken } from './verified-token.ts'

/** Some 2 KB each. */
const keptMax = 512

interface PlacedProvider {
  provider: TokenProvider
  places: JwtPlaces
}

export class TokenCheck {
  readonly #providers: readonly PlacedProvider[]
  readonly #isRequired: boolean
  readonly #claimHeaders: ReadonlySet<string>
  readonly #kept = new Map<string, VerifiedToken>()

  constructor({ providers, requirement }: JwtRules) {
    this.#providers = providers.map((model) => ({ provider: new TokenProvider(model), places: placesOf(model.from) }))
    this.#isRequired = requirement === 'required'
    this.#claimHeaders = new Set(
      providers.flatMap(({ claimsToHeaders }) => claimsToHeaders.map(({ header }) => header)),
    )
  }

  /**
   * Takes claim headers that others wrote, and tokens that are not to be forwarded, out of the head.
   * @returns undefined for a request without a token, where it needs none.
   */
  check(head: RequestHead, nowSeconds: number): VerifiedToken | TokenFault | undefined {
    if (this.#claimHeaders.size > 0) removeHeaders(head.headers, this.#claimHeaders)
    const text = this.#find(head)
    if (text instanceof TokenFault) return text
    if (text === undefined) return this.#isRequired ? new TokenFault('jwt_missing', '') : undefined
    const verified = this.#verify(text, head, nowSeconds)
    if (verified instanceof TokenFault) return verified
    this.#pass(verified, head)
    return verified
  }

  /** The path as it may be logged: without what is, or pretends to be, a token. */
  publicPath(path: string): string {
    let shown = path
    if (path.includes('?')) for (const { places } of this.#providers) shown = withoutParams(shown, places.params)
    return shown
  }

  /** The one token of the request, be it there twice. */
  #find(head: RequestHead): string | TokenFault | undefined {
    let found: string | undefined
    for (const { places } of this.#providers) {
      for (const token of findTokens(head, places)) {
        if (found !== undefined && found !== token) return new TokenFault('jwt_ambiguous', '')
        found = token
      }
    }
    return found
  }

  #verify(text: string, head: RequestHead, nowSeconds: number): VerifiedToken | TokenFault {
    const key = process.getBuiltinModule('node:crypto').hash('sha256', text, 'base64url')
    const known = this.#kept.get(key)
    if (known && this.#mayStand(known, text, head)) return timeFault(known, nowSeconds) ?? known
    const token = readCompactToken(text)
    if (token instanceof TokenFault) return token
    let fault = new TokenFault('jwt_issuer', '')
    for (const { provider, places } of this.#providers) {
      if (!findTokens(head, places).includes(text)) continue
      const verified = provider.verify(token, nowSeconds)
      if (!(verified instanceof TokenFault)) {
        if (this.#kept.size >= keptMax) this.#kept.clear()
        this.#kept.set(key, verified)
        return verified
      }
      // Of several issuers the one that it claims to be of has the word.
      if (fault.code === 'jwt_issuer') fault = verified
    }
    return fault
  }

  /** A provider's token is taken only where that provider's tokens stand. */
  #mayStand({ providerName }: VerifiedToken, text: string, head: RequestHead): boolean {
    if (this.#providers.length === 1) return true
    const placed = this.#providers.find(({ provider }) => provider.model.name === providerName)!
    return findTokens(head, placed.places).includes(text)
  }

  #pass({ providerName, headers }: VerifiedToken, head: RequestHead): void {
    const { provider, places } = this.#providers.find((one) => one.provider.model.name === providerName)!
    if (!provider.model.isForwarded) removeTokens(head, places)
    for (let i = 0; i < headers.length; i++) head.headers.push(headers[i]!)
  }
}
