/** Pearson's test of counts against expected shares, for tests of distributions with fixed seeds. */

/**
 * Whether counts fit the weights at p > 0.001: the sum of squares stays under the quantile of the distribution, taken
 * from Wilson and Hilferty's approximation (Proc. Natl. Acad. Sci. 17, 1931), which errs by under 2 % here.
 * Categories of weight 0 must be empty.
 */
export function chiSquaredFits(counts: readonly number[], weights: readonly number[]): boolean {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const weight = weights.reduce((sum, each) => sum + each, 0)
  let statistic = 0
  let freedom = -1
  for (let i = 0; i < counts.length; i++) {
    const expected = (total * weights[i]!) / weight
    if (expected === 0) {
      if (counts[i] !== 0) return false
      continue
    }
    freedom++
    statistic += (counts[i]! - expected) ** 2 / expected
  }
  if (freedom < 1) return true
  const spread = 2 / (9 * freedom)
  const quantile = freedom * (1 - spread + 3.0902 * Math.sqrt(spread)) ** 3
  return statistic < quantile
}
