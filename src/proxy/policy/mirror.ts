/** Which requests are copied to a mirror (Gateway API HTTPRequestMirrorFilter: `percent`, `fraction`). */
import type { Mirror } from '#/model/route.ts'
import type { Random } from '#/std/random.ts'

/** Chance decides a request; each mirror of a rule is asked by itself. */
export function isMirrored(mirror: Mirror, random: Random): boolean {
  const { numerator, denominator } = mirror
  return numerator >= denominator || (numerator > 0 && random() * denominator < numerator)
}
