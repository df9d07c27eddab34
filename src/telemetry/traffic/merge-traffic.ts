/** What several event loops have seen, as one. */
import { formatTrafficKey, type TrafficEdge, type TrafficReport } from '#/model/traffic.ts'

/** @returns undefined for none. */
export function mergeTraffic(reports: readonly TrafficReport[]): TrafficReport | undefined {
  if (reports.length === 0) return undefined
  const edges = new Map<string, TrafficEdge>()
  for (const edge of reports.flatMap((report) => report.edges)) {
    const key = formatTrafficKey(edge)
    const sum = edges.get(key)
    if (sum) addEdge(sum, edge)
    else edges.set(key, { ...edge })
  }
  return {
    sinceMs: Math.min(...reports.map(({ sinceMs }) => sinceMs)),
    nowMs: Math.max(...reports.map(({ nowMs }) => nowMs)),
    edges: [...edges.values()],
    uncounted: reports.reduce((sum, { uncounted }) => sum + uncounted, 0),
    decisions: reports.flatMap(({ decisions }) => decisions).sort((a, b) => a.atMs - b.atMs),
  }
}

function addEdge(sum: TrafficEdge, { count, firstMs, lastMs }: TrafficEdge): void {
  sum.count += count
  sum.firstMs = Math.min(sum.firstMs, firstMs)
  sum.lastMs = Math.max(sum.lastMs, lastMs)
}
