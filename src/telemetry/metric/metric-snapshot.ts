/** The numbers of one event loop as data that threads can hand over: labels as text, values in one array a family. */
import type { Family, LabelList, MetricType, Sample } from './family.ts'

export interface FamilySnapshot {
  name: string
  help: string
  type: MetricType
  /** What each series of the family tells, in order: one number, or the buckets of a histogram with its sum and count. */
  shape: readonly Pick<Sample, 'suffix' | 'le'>[]
  /** A list a series. Families may hold the same lists, which are handed over once. */
  labels: LabelList[]
  /** `shape.length` numbers a series. */
  values: Float64Array
}

export type MetricSnapshot = readonly FamilySnapshot[]

/** Families without samples are left out. */
export function takeSnapshot(families: Iterable<Family>): MetricSnapshot {
  const snapshots: FamilySnapshot[] = []
  for (const family of families) {
    const snapshot = snapshotOf(family)
    if (snapshot.labels.length > 0) snapshots.push(snapshot)
  }
  return snapshots
}

function snapshotOf(family: Family): FamilySnapshot {
  const { name, help, type } = family
  const shape: Pick<Sample, 'suffix' | 'le'>[] = []
  const labels: LabelList[] = []
  const values: number[] = []
  for (const sample of family.samples()) {
    // The samples of a series share one list of labels.
    if (labels.at(-1) !== sample.labels) labels.push(sample.labels)
    if (labels.length === 1) shape.push({ suffix: sample.suffix, le: sample.le })
    values.push(sample.value)
  }
  return { name, help, type, shape, labels, values: Float64Array.from(values) }
}
