/** Statuses as lines for a terminal: one for each parent of an object, and under it what is not as it should be. */
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef } from '#/model/object-ref.ts'

export interface StatusRow {
  /** `HTTPRoute/shop/reviews`. */
  object: string
  /** `Service/shop/reviews:80`; empty for an object without parents. */
  parent: string
  /** The worst that its conditions say. */
  state: 'fine' | 'warning' | 'error'
  /** `accepted, live on 4 of 4 proxies`, or what is wrong, a sentence each. */
  details: readonly string[]
}

type Parent = ObjectStatus['parents'][number]

/** Conditions whose `True` is bad news. */
const adverse: ReadonlySet<string> = new Set(['PartiallyInvalid', 'Conflicted'])

export function statusRows(statuses: readonly ObjectStatus[]): StatusRow[] {
  return statuses.flatMap(({ ref, parents }) => parents.map((parent) => rowOf(formatObjectRef(ref), parent)))
}

function rowOf(object: string, { parent, conditions }: Parent): StatusRow {
  const bad = conditions.filter(isBad)
  const rejected = bad.some(({ type, status }) => type !== 'Programmed' && status === 'False')
  const state = bad.length === 0 ? 'fine' : rejected ? 'error' : 'warning'
  const details = bad.length > 0 ? bad.map(({ reason, message }) => `${reason}: ${message}`) : [summary(conditions)]
  return { object, parent: parent ? formatParent(parent) : '', state, details }
}

function isBad({ type, status }: Condition): boolean {
  return adverse.has(type) ? status === 'True' : status !== 'True'
}

function summary(conditions: readonly Condition[]): string {
  const accepted = conditions.find(({ type }) => type === 'Accepted')?.message
  const programmed = conditions.find(({ type }) => type === 'Programmed')?.message
  return [accepted, programmed].filter((text) => text !== undefined).join(', ')
}

function formatParent(parent: NonNullable<Parent['parent']>): string {
  const { port, sectionName } = parent
  return `${formatObjectRef(parent)}${port ? `:${port}` : ''}${sectionName ? ` ${sectionName}` : ''}`
}

/** Aligned columns, details of one object under one another; ends with a line break unless there is nothing. */
export function formatStatusTable(statuses: readonly ObjectStatus[]): string {
  const rows = statusRows(statuses)
  if (rows.length === 0) return ''
  const head = ['OBJECT', 'PARENT', 'STATE', 'DETAIL'] as const
  const lines = rows.flatMap(({ object, parent, state, details }) =>
    details.map((detail, i) => (i === 0 ? [object, parent, state, detail] : ['', '', '', detail])),
  )
  const cells = [[...head], ...lines]
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((cell) => cell[column]!.length)))
  return cells
    .map(
      (cell) =>
        `${cell
          .map((text, i) => text.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
