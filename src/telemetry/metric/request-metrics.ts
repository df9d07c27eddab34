/**
 * Istio's standard request metrics. The series of a request is found by the identity of its cluster and its peer and a
 * look through a short list, without building a text; labels are put together once a series.
 *
 * The number of series is bounded; requests beyond it are counted in one series a reporter, so that sums stay right.
 * A series that was idle for long is forgotten whole. Should it come back it starts at zero, which `rate()` takes for the
 * reset of a counter; a series in use never goes back.
 */
import type { RequestRecord } from '#/proxy/events.ts'
import type { Family, Sample } from './family.ts'
import { type LabelContext, requestLabels } from './request-labels.ts'
import { histogramStarts, RequestSeries } from './request-series.ts'

export interface RequestMetricsOptions extends LabelContext {
  /** Sets of labels at most, 1 or more; each takes 3 KB, and 64 lines or 52 KB of exposition. */
  seriesMax: number
  /** A series unused for so long is forgotten, ms. */
  idleMs: number
}

/** A handle and what it is for. */
interface Entry {
  status: number
  grpcStatus: number
  flags: string
  principal: string
  series: RequestSeries
}

type ByPeer = Map<object, Entry[]>

/** Stands for an absent cluster or peer. */
const nobody = {}

export class RequestMetrics {
  readonly #options: RequestMetricsOptions
  readonly #series = new Map<string, RequestSeries>()
  /** Only a way to `#series`: may be emptied at any time. */
  readonly #cache: Record<RequestRecord['direction'], Map<object, ByPeer>> = { inbound: new Map(), outbound: new Map() }
  #cachedPeers = 0
  /** Requests that found no room for a series of their own. */
  overflowCount = 0

  constructor(options: RequestMetricsOptions) {
    this.#options = options
  }

  /** Sets of labels now. */
  get size(): number {
    return this.#series.size
  }

  observe(record: RequestRecord): void {
    const entries = this.#entries(record)
    for (const entry of entries) {
      if (
        entry.status === record.status &&
        entry.flags === record.flags &&
        entry.grpcStatus === record.grpcStatus &&
        entry.principal === record.peerPrincipal
      ) {
        entry.series.observe(record)
        return
      }
    }
    const { status, grpcStatus, flags, peerPrincipal: principal } = record
    const series = this.#find(record)
    // What overflows is asked anew each time: there may be room after the next sweep.
    if (series) entries.push({ status, grpcStatus, flags, principal, series })
    const found = series ?? this.#overflow(record)
    found.observe(record)
  }

  #entries(record: RequestRecord): Entry[] {
    const byCluster = this.#cache[record.direction]
    const cluster = record.cluster ?? nobody
    const peer = record.peer ?? record.endpoint?.workload ?? nobody
    let byPeer = byCluster.get(cluster)
    const known = byPeer?.get(peer)
    if (known !== undefined) return known
    // Peers and clusters are replaced by newer objects now and then; the old ones must not pile up.
    if (++this.#cachedPeers > 2 * this.#options.seriesMax) {
      this.#clearCache()
      byPeer = undefined
    }
    if (byPeer === undefined) byCluster.set(cluster, (byPeer = new Map()))
    const entries: Entry[] = []
    byPeer.set(peer, entries)
    return entries
  }

  #clearCache(): void {
    this.#cache.inbound.clear()
    this.#cache.outbound.clear()
    this.#cachedPeers = 0
  }

  #find(record: RequestRecord): RequestSeries | undefined {
    const labels = requestLabels(record, this.#options)
    const key = labels.join('\0')
    const known = this.#series.get(key)
    if (known || this.#series.size >= this.#options.seriesMax) return known
    const series = new RequestSeries(labels)
    this.#series.set(key, series)
    return series
  }

  #overflow({ direction }: RequestRecord): RequestSeries {
    this.overflowCount++
    const reporter = direction === 'inbound' ? 'destination' : 'source'
    const key = `overflow ${reporter}`
    let series = this.#series.get(key)
    if (!series) {
      series = new RequestSeries(['reporter', reporter, 'destination_service', 'overflow'])
      this.#series.set(key, series)
    }
    return series
  }

  /** Forgets series that were idle for the time of the options. */
  sweep(nowMs: number): void {
    for (const [key, { usedMs }] of this.#series) {
      if (nowMs - usedMs > this.#options.idleMs) this.#series.delete(key)
    }
    // A handle of a forgotten series would count into nothing, and clusters that are no more are held by the cache alone.
    this.#clearCache()
  }

  families(): Family[] {
    const all = this.#series
    const histogram = (name: string, help: string, start: number): Family => ({
      name,
      help,
      type: 'histogram',
      *samples() {
        for (const series of all.values()) yield* series.samples(start)
      },
    })
    return [
      {
        name: 'istio_requests_total',
        help: 'Requests that ended.',
        type: 'counter',
        *samples(): Iterable<Sample> {
          for (const { labels, requests } of all.values()) yield { suffix: '', labels, le: '', value: requests }
        },
      },
      histogram(
        'istio_request_duration_milliseconds',
        'Time from the first byte of a request to the last of its answer.',
        histogramStarts.duration,
      ),
      histogram('istio_request_bytes', 'Size of request bodies.', histogramStarts.requestBytes),
      histogram('istio_response_bytes', 'Size of answer bodies.', histogramStarts.responseBytes),
    ]
  }
}
