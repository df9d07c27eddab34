/** Faults found while translating: where in the user's file, what is wrong, what to do. */

import type { FaultCodeName } from '#/api/fault-codes.ts'
import type { Fault, Sourced } from '#/control/source/resources.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'

/** What a stage knows of a fault; the object and the place in its file are added by `faultOf`. */
export interface Finding {
  /** Default `error`. */
  severity?: Fault['severity']
  code: FaultCodeName
  /** `spec.rules[0].backendRefs[1].name`; empty for the whole object. */
  field: string
  message: string
  cure: string
}

export function faultOf(ref: ObjectRef, sourced: Sourced<unknown>, finding: Finding): Fault {
  const { severity = 'error', code, field, message, cure } = finding
  const origin = field === '' ? sourced.origin : sourced.locate(field)
  return { severity, code, object: formatObjectRef(ref), origin, field, message, cure }
}

/** The order in which a person reads their files. */
export function compareFaults(a: Fault, b: Fault): number {
  return (
    compareText(a.origin.file, b.origin.file) ||
    a.origin.line - b.origin.line ||
    a.origin.column - b.origin.column ||
    compareText(a.code, b.code) ||
    compareText(a.field, b.field)
  )
}

/** By code units, the same on every machine, unlike `localeCompare`. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Names for a message: `reviews, ratings and 3 more`; `none` when there are none. */
export function listNames(names: readonly string[], namesMax = 5): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, namesMax).join(', ')
  return names.length > namesMax ? `${shown} and ${names.length - namesMax} more` : shown
}
