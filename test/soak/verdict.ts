/** Whether a soak was passed, in words. */
import type { Judgement } from './judge.ts'
import type { Call } from './ledger.ts'
import type { SidecarReport, SoakReport } from './soak-run.ts'

/**
 * MiB that resident memory may have grown by since it had settled: V8 keeps what a burst took for some time, and pages come and
 * go with the number of connections. A leak of 100 bytes a call would show in 10 minutes as 15 MB.
 */
const residentGrowthMaxMb = 16
/** MiB that the objects in the heap may have grown by, after a collection. Calls under way hold some, and code is compiled anew. */
const heapGrowthMaxMb = 2
/**
 * MiB that buffers may hold beyond those before the load, when it is over: what reads and writes share is made with their first use, and so are
 * the contexts of TLS to each endpoint.
 */
const buffersGrowthMaxMb = 2

/** @returns what was wrong; empty when the soak was passed. */
export function faultsOf(report: SoakReport): string[] {
  const lost = report.judged.get('lost') ?? []
  const sum = Object.values(Object.fromEntries(report.ledger.counts))
  return [
    ...report.faults,
    ...lost.slice(0, 20).map((call) => `lost: ${sentenceOf(call)}`),
    ...(lost.length > 20 ? [`lost: ${lost.length - 20} more`] : []),
    ...sum.flatMap(({ done }, i) => (done > 0 ? [] : [`no call of ${[...report.ledger.counts.keys()][i]} was done`])),
    ...report.sidecars.flatMap(sidecarFaults),
    ...report.traces,
  ]
}

function sentenceOf({ id, plan, startMs, endMs, server, detail }: Call): string {
  return `${id} (${plan.isRepeatable ? 'GET' : `${plan.bodyBytes ?? 0} bytes`}) by ${server || 'nobody yet'} after ${endMs - startMs} ms: ${detail}`
}

function sidecarFaults({ pod, start, end, resident, heap, buffers }: SidecarReport): string[] {
  const faults: string[] = []
  if (end.socketCount > start.socketCount) {
    faults.push(`${pod} keeps sockets: ${JSON.stringify(end.sockets)}, at the start ${JSON.stringify(start.sockets)}`)
  } else if (end.fileCount > start.fileCount) {
    faults.push(`${pod} keeps files: ${end.fileCount}, at the start ${start.fileCount}`)
  }
  if (resident && resident.end - resident.settled > residentGrowthMaxMb) {
    faults.push(`${pod} grew: resident ${resident.settled.toFixed(1)} → ${resident.end.toFixed(1)} MB`)
  }
  if (heap && heap.end - heap.settled > heapGrowthMaxMb) {
    faults.push(`${pod} grew: heap after collection ${heap.settled.toFixed(1)} → ${heap.end.toFixed(1)} MB`)
  }
  if (buffers && buffers.end - buffers.start > buffersGrowthMaxMb) {
    faults.push(`${pod} keeps buffers: ${buffers.start.toFixed(1)} → ${buffers.end.toFixed(1)} MB`)
  }
  return faults
}

/** The figures as a person reads them. */
export function linesOf({ ledger, judged, kills, sidecars }: SoakReport): string[] {
  const lines = ['lane             done    cut  failed']
  for (const [lane, { done, cut, failed }] of ledger.counts) {
    lines.push(`${lane.padEnd(14)} ${pad(done)} ${pad(cut)} ${pad(failed)}`)
  }
  const words: Record<Judgement, string> = {
    seen: 'had been begun by an endpoint that was killed',
    unread: 'had been written to one and may not be sent twice',
    'too-long': 'had more body than is kept to send it again',
    'met-dead': 'opaque, led to one before its end was known',
    lost: 'LOST',
  }
  lines.push(`${kills} endpoints killed; of the failed calls:`)
  for (const [judgement, meaning] of Object.entries(words)) {
    lines.push(`  ${String(judged.get(judgement as Judgement)?.length ?? 0).padStart(5)} ${meaning}`)
  }
  for (const { pod, start, end, resident, heap, buffers } of sidecars) {
    const memory =
      resident && heap && buffers
        ? `; resident ${span(resident)}; heap after collection ${span(heap)}; buffers at rest ${span({ settled: buffers.start, end: buffers.end })}`
        : ''
    lines.push(
      `${pod}: sockets ${start.socketCount} → ${end.socketCount}, files ${start.fileCount} → ${end.fileCount}${memory}`,
    )
  }
  return lines
}

const pad = (count: number): string => String(count).padStart(6)

function span({ settled, end }: { settled: number; end: number }): string {
  return `${settled.toFixed(1)} → ${end.toFixed(1)} MB`
}
