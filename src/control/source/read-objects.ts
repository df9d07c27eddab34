/** A file's text → its objects and faults. Pure. */
import type { FaultCodeName } from '#/api/fault-codes.ts'
import { type KindName, kinds } from '#/api/kinds.ts'
import type { RuleFault } from '#/api/rule-check.ts'
import { formatPath, parsePath } from './field-path.ts'
import { kindFault } from './kind-fault.ts'
import { nearMisses } from './near-miss.ts'
import { readYaml } from './read-yaml.ts'
import type { Fault, Origin, Sourced } from './resources.ts'
import { schemaFaults } from './schema-fault.ts'
import { cutYaml, type YamlChunk } from './yaml-chunk.ts'
import type { YamlDocument } from './yaml-document.ts'

/** An object that passed its schema and the rules of its kind. */
export interface ReadObject {
  kind: KindName
  /** `namespace/name`, or `name`. */
  key: string
  sourced: Sourced<never>
  document: YamlDocument
}

export interface ReadOutcome {
  objects: ReadObject[]
  faults: Fault[]
  /** Objects that are there but faulty: their last good version stays. */
  faulty: Set<string>
  /** Something that could not be named: any object that is missed may be meant. */
  isVague: boolean
}

export function objectId({ kind, key }: { kind: KindName; key: string }): string {
  return `${kind} ${key}`
}

/** Every document of a file. */
export function readObjects(file: string, text: string): ReadOutcome {
  return joinOutcomes(cutYaml(text).map((chunk) => readChunk(file, chunk)))
}

export function joinOutcomes(outcomes: readonly ReadOutcome[]): ReadOutcome {
  return {
    objects: outcomes.flatMap(({ objects }) => objects),
    faults: outcomes.flatMap(({ faults }) => faults),
    faulty: new Set(outcomes.flatMap(({ faulty }) => [...faulty])),
    isVague: outcomes.some(({ isVague }) => isVague),
  }
}

export function readChunk(file: string, chunk: YamlChunk): ReadOutcome {
  const { documents, faults } = readYaml(file, chunk)
  const outcome: ReadOutcome = { objects: [], faults, faulty: new Set(), isVague: faults.length > 0 }
  for (const document of documents) readDocument(document, outcome)
  return outcome
}

/** The outcome of the same text further up or down in its file. */
export function moveOutcome(outcome: ReadOutcome, lines: { from: number; to: number }): ReadOutcome {
  const { from, to } = lines
  return {
    ...outcome,
    objects: outcome.objects.map((object) => {
      const document = object.document.moved(to - 1)
      return { ...object, document, sourced: sourcedOf(document, object.sourced.value) }
    }),
    faults: outcome.faults.map((fault) => ({
      ...fault,
      origin: { ...fault.origin, line: fault.origin.line + to - from },
    })),
  }
}

function sourcedOf(document: YamlDocument, value: unknown): Sourced<never> {
  return {
    value: value as never,
    origin: document.locate([]),
    locate: (path): Origin => document.locate(parsePath(path)),
  }
}

interface DocumentFault {
  code: FaultCodeName
  path: RuleFault['path']
  message: string
  cure: string
  severity?: Fault['severity']
}

function tell(outcome: ReadOutcome, document: YamlDocument, object: string, fault: DocumentFault): void {
  const { code, path, message, cure, severity = 'error' } = fault
  const origin = document.locate(path)
  outcome.faults.push({ severity, code, object, origin, field: formatPath(path), message, cure })
}

function readDocument(document: YamlDocument, outcome: ReadOutcome): void {
  const { value } = document
  if (!isMap(value)) {
    const message = 'the document is no Kubernetes object'
    tell(outcome, document, '', {
      code: 'no-object',
      path: [],
      message,
      cure: 'write a map with apiVersion, kind and metadata',
    })
    outcome.isVague = true
    return
  }
  const { kind, apiVersion, items } = value
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    for (const [index, item] of items.entries()) readDocument(document.item(index, item), outcome)
    return
  }
  const fault = kindFault(kind, apiVersion)
  if (fault) {
    const { meant, ...rest } = fault
    tell(outcome, document, '', rest)
    if (meant) outcome.faulty.add(objectId({ kind: meant, key: identify(meant, value).key }))
    else outcome.isVague = true
  } else if (isRead(kind, apiVersion)) readKnown(document, kind, outcome)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Kinds of other groups may bear the same name, as Knative's Service does. */
function isRead(kind: unknown, apiVersion: unknown): kind is KindName {
  if (typeof kind !== 'string' || !(kind in kinds)) return false
  const group = String(apiVersion).includes('/') ? String(apiVersion).split('/')[0] : ''
  return kinds[kind as KindName].group === group
}

/** Name and namespace as the object says them, with the default; whether they are good is asked later. */
function identify(kind: KindName, value: Record<string, unknown>): { key: string; name: string; namespace: string } {
  const { name, namespace } = isMap(value.metadata) ? value.metadata : {}
  const home = typeof namespace === 'string' ? namespace : 'default'
  const own = typeof name === 'string' ? name : ''
  return { key: kinds[kind].isNamespaced ? `${home}/${own}` : own, name: own, namespace: home }
}

function readKnown(document: YamlDocument, kind: KindName, outcome: ReadOutcome): void {
  const value = document.value as Record<string, unknown>
  const { isNamespaced, schema } = kinds[kind]
  const { key, name, namespace } = identify(kind, value)
  const object = name === '' ? '' : `${kind}/${key}`
  const metadata = isMap(value.metadata) ? value.metadata : undefined
  const isBare = isNamespaced && metadata !== undefined && metadata.namespace === undefined
  const checked = schemaFaults(schema, isBare ? { ...value, metadata: { ...metadata, namespace } } : value)
  const rules = (kinds[kind] as { rules?: (value: never) => RuleFault[] }).rules
  const faults = checked.faults.length > 0 ? checked.faults : (rules?.(checked.value as never) ?? [])
  for (const fault of faults) tell(outcome, document, object, fault)
  for (const warning of nearMisses(schema, value)) tell(outcome, document, object, { ...warning, severity: 'warning' })
  if (faults.length === 0) outcome.objects.push({ kind, key, document, sourced: sourcedOf(document, checked.value) })
  else if (name === '') outcome.isVague = true
  else outcome.faulty.add(objectId({ kind, key }))
}
