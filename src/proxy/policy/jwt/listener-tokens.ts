/** What one listener asks of tokens, through all its changes: what was verified is kept while the rules are the same. */
import type { JwtRules } from '#/model/authentication.ts'
import { TokenCheck } from './token-check.ts'

export class ListenerTokens {
  #text = ''
  #check: TokenCheck | undefined

  /** Undefined: tokens are not looked at. */
  get check(): TokenCheck | undefined {
    return this.#check
  }

  set(rules: JwtRules | undefined): void {
    const text = rules ? JSON.stringify(rules) : ''
    if (text === this.#text) return
    this.#text = text
    this.#check = rules && new TokenCheck(rules)
  }
}
