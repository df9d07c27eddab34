/** A small stop-watch for micro-benchmarks. */

/** ns an operation, the best of five rounds. */
export function measure(iterations: number, run: (i: number) => unknown): number {
  let bestNs = Number.POSITIVE_INFINITY
  let sink: unknown
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    for (let i = 0; i < iterations; i++) sink = run(i)
    bestNs = Math.min(bestNs, ((performance.now() - start) * 1e6) / iterations)
  }
  // Looking at the last result keeps the work from being optimised away.
  if (sink === measure) throw new Error('a run may not return the stop-watch')
  return bestNs
}
