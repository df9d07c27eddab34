/** Who answers worse than the others, by their success rates (Envoy: success_rate_stdev_factor). */

export interface Counted {
  requests: number
  failures: number
}

const rateOf = ({ requests, failures }: Counted): number => (requests - failures) / requests

/** @returns the success rate, 0 to 1, under which an endpoint is an outlier: the mean less so many standard deviations. */
export function rateFloor(counted: readonly Counted[], deviations: number): number {
  const mean = counted.reduce((sum, one) => sum + rateOf(one), 0) / counted.length
  const variance = counted.reduce((sum, one) => sum + (rateOf(one) - mean) ** 2, 0) / counted.length
  return mean - deviations * Math.sqrt(variance)
}

/** Rates that are equal but for rounding are no outliers. */
export function isUnderRate(counted: Counted, floor: number): boolean {
  return rateOf(counted) < floor - 1e-9
}
