/** Colour for people: on a terminal only, never with NO_COLOR (https://no-color.org). */
import pc from 'picocolors'

export type Colors = ReturnType<typeof pc.createColors>

export function colorsFor(paper: { hasColor: boolean }): Colors {
  return pc.createColors(paper.hasColor)
}

/** FORCE_COLOR is for terminals that are not known to be one, as in a CI. */
export function hasColor(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  if (environment.NO_COLOR) return false
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true
  return isTerminal && environment.TERM !== 'dumb'
}
