/** What Gateway API asks of TCPRoute, TLSRoute and UDPRoute beyond the form of their fields. */
import { checkHostnames, checkParents } from './route-rules.ts'
import { RuleCheck, type RuleFault } from './rule-check.ts'
import type { TCPRoute, TLSRoute, UDPRoute } from './stream-route.ts'

export function streamRouteFaults(route: TCPRoute | TLSRoute | UDPRoute): RuleFault[] {
  const check = new RuleCheck()
  const { metadata, spec } = route
  checkParents(check, spec.parentRefs ?? [], metadata.namespace)
  // An address is no SNI (RFC 6066, section 3).
  if ('hostnames' in spec) checkHostnames(check, spec.hostnames)
  return check.faults
}
