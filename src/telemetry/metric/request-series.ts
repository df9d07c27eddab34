/** The numbers of one set of labels: requests, and histograms of duration and sizes, in a single array. */
import type { RequestRecord } from '#/proxy/events.ts'
import type { LabelList, Sample } from './family.ts'

/** Envoy's default histogram buckets, which Istio's standard metrics have, for ms and for bytes alike. */
export const bucketBounds: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]

const boundTexts = [...bucketBounds.map(String), '+Inf']

/** Where a histogram begins in the array: its buckets, not cumulative, then its sum. */
const histogramLength = bucketBounds.length + 2
export const histogramStarts = {
  duration: 0,
  requestBytes: histogramLength,
  responseBytes: 2 * histogramLength,
} as const

export class RequestSeries {
  readonly labels: LabelList
  requests = 0
  /** Clock.monotonicMs at the end of the last request. */
  usedMs = 0
  readonly #numbers = new Float64Array(3 * histogramLength)

  constructor(labels: LabelList) {
    this.labels = labels
  }

  observe(record: RequestRecord): void {
    this.requests++
    this.usedMs = record.startMs + record.durationMs
    this.#count(histogramStarts.duration, record.durationMs)
    this.#count(histogramStarts.requestBytes, record.requestBytes)
    this.#count(histogramStarts.responseBytes, record.responseBytes)
  }

  #count(start: number, value: number): void {
    let bucket = 0
    // From the front: most values are small, and a search by halves would guess wrong more often.
    while (bucket < bucketBounds.length && value > bucketBounds[bucket]!) bucket++
    const numbers = this.#numbers
    numbers[start + bucket]! += 1
    numbers[start + histogramLength - 1]! += value
  }

  *samples(start: number): Iterable<Sample> {
    const { labels } = this
    let sum = 0
    for (let bucket = 0; bucket < boundTexts.length; bucket++) {
      sum += this.#numbers[start + bucket]!
      yield { suffix: '_bucket', labels, le: boundTexts[bucket]!, value: sum }
    }
    yield { suffix: '_sum', labels, le: '', value: this.#numbers[start + histogramLength - 1]! }
    yield { suffix: '_count', labels, le: '', value: sum }
  }
}
