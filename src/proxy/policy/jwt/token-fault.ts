/** Why a token is not believed. Never thrown: a hostile client must not make us write stacks. */
import type { tokenErrors } from '#/std/token-errors.ts'

export type TokenFaultCode = Extract<keyof typeof tokenErrors, `jw${string}`>

export class TokenFault {
  readonly code: TokenFaultCode
  /** Holds nothing of the token: it goes to logs. */
  readonly detail: string

  constructor(code: TokenFaultCode, detail: string) {
    this.code = code
    this.detail = detail
  }
}
