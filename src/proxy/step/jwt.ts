/** Who sent the request, by the token that it brings (docs/decisions/0015-request-authentication.md). */
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { isPreflight } from '#/proxy/policy/cors.ts'
import { TokenFault } from '#/proxy/policy/jwt/token-fault.ts'

/** A browser sends no credentials with a preflight (Fetch, section 3.2.2). */
export function checkToken(exchange: Exchange): StepOutcome {
  const { tokens } = exchange.entrance.listener
  if (!tokens) return 'next'
  exchange.record.path = tokens.publicPath(exchange.record.path)
  if (isPreflight(exchange.head)) return 'next'
  const verified = tokens.check(exchange.head, exchange.context.clock.wallMs() / 1000)
  if (verified === undefined) return 'next'
  if (verified instanceof TokenFault) {
    exchange.fail(verified.code, verified.detail)
    return 'taken'
  }
  exchange.claims = verified.claims
  return 'next'
}
