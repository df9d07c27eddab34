/** Cross-origin requests: preflights are answered here, other answers are marked (policy/cors.ts). */
import type { ResponseHead } from '#/codec/message.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { allowedOrigin, applyCors, isPreflight, preflightHeaders } from '#/proxy/policy/cors.ts'

export function answerPreflight(exchange: Exchange): StepOutcome {
  const cors = exchange.route!.cors
  if (!cors) return 'next'
  if (!isPreflight(exchange.head)) {
    exchange.corsOrigin = allowedOrigin(cors, exchange.head.headers)
    return 'next'
  }
  const headers = preflightHeaders(cors, exchange.head)
  exchange.isPreflight = true
  exchange.answer({ status: 200, headers, bodyLength: 0, upgrade: '' }, undefined)
  return 'taken'
}

export function markCors(exchange: Exchange, head: ResponseHead): void {
  const cors = exchange.route!.cors
  if (cors && !exchange.isPreflight) applyCors(cors, exchange.corsOrigin, head.headers)
}
