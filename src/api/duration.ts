/** Gateway API durations (GEP-2257): up to four numbers with a unit, `1m30s`, `500ms`. */

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** @returns ms; 0 for an absent one. The schema has seen to the form. */
export function durationMs(text: string | undefined): number {
  let sumMs = 0
  for (const [, count, unit] of (text ?? '').matchAll(/(\d+)(ms|h|m|s)/g)) sumMs += Number(count) * unitsMs[unit!]!
  return sumMs
}
