/** Refuses requests while there is no memory for them. */
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'

export const overloadDetail = 'the proxy is short of memory'

export function refuseWhenShort(exchange: Exchange): StepOutcome {
  if (!exchange.context.memory.isShort) return 'next'
  exchange.fail('overloaded', overloadDetail)
  return 'taken'
}
