/** What a metric looks like to those who read it: the exposition for Prometheus, `/stats`, tests. */

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** Flat: name, value, name, value. */
export type LabelList = readonly string[]

export interface Sample {
  /** Behind the family's name; for histograms `_bucket`, `_sum`, `_count`. */
  suffix: '' | '_bucket' | '_sum' | '_count'
  /** The same array for all samples of a series. */
  labels: LabelList
  /** Upper bound of a bucket, empty for other samples. */
  le: string
  value: number
}

export interface Family {
  /** Counters end in `_total`. */
  readonly name: string
  readonly help: string
  readonly type: MetricType
  samples(): Iterable<Sample>
}

/** Label values without a value read `unknown`, as Istio writes them. */
export const unknown = 'unknown'
