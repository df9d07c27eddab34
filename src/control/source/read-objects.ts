/** One file's text → its objects and faults. Pure. */
import { httpRouteFaults } from '#/api/http-route-rules.ts'
import { type KindName, kinds } from '#/api/kinds.ts'
import { serviceFaults } from '#/api/service-rules.ts'
import type { Fault, Origin, Sourced } from './resources.ts'
import { type SchemaFault, schemaFaults } from './schema-fault.ts'
import { nearest } from './suggestion.ts'
import { formatPath, parsePath, readYaml, type YamlDocument } from './yaml-document.ts'

/** An object that passed its schema. */
export interface ReadObject {
  kind: KindName
  /** `namespace/name`, or `name`. */
  key: string
  sourced: Sourced<never>
  /** Its text, to tell whether it changed. */
  fingerprint: string
}

export interface ReadOutcome {
  objects: ReadObject[]
  faults: Fault[]
  /** Objects that are there but faulty: their last good version stays. `KIND key`. */
  faulty: Set<string>
  /** The file could not be read to its end: every object that it held may still be meant. */
  hasSyntaxFault: boolean
}

/** The rules of a kind that no field's schema can express. */
const rules: Partial<Record<KindName, (value: never) => SchemaFault[]>> = {
  HTTPRoute: httpRouteFaults as (value: never) => SchemaFault[],
  Service: serviceFaults as (value: never) => SchemaFault[],
}

export function objectId(kind: string, key: string): string {
  return `${kind} ${key}`
}

export function readObjects(file: string, text: string): ReadOutcome {
  const { documents, faults } = readYaml(file, text)
  const outcome: ReadOutcome = { objects: [], faults, faulty: new Set(), hasSyntaxFault: faults.length > 0 }
  for (const document of documents) readDocument(document, outcome)
  return outcome
}

function readDocument(document: YamlDocument, outcome: ReadOutcome): void {
  const { value } = document
  const tell = (fault: SchemaFault, object = '', severity: Fault['severity'] = 'error'): void => {
    outcome.faults.push({
      severity,
      code: fault.code,
      object,
      origin: document.locate(fault.path),
      field: formatPath(fault.path),
      message: fault.message,
      cure: fault.cure,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    tell({
      code: 'no-object',
      path: [],
      message: 'the document is no Kubernetes object',
      cure: 'write a map with apiVersion, kind and metadata',
    })
    return
  }
  const { kind, apiVersion } = value as { kind?: unknown; apiVersion?: unknown }
  if (kind === 'List') {
    for (const item of document.items()) readDocument(item, outcome)
    return
  }
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
    const missing = typeof kind === 'string' ? 'apiVersion' : 'kind'
    tell({
      code: 'missing-field',
      path: [missing],
      message: `${missing} is missing`,
      cure: 'every object has apiVersion and kind, like apiVersion: v1 and kind: Service',
    })
    return
  }
  if (!(kind in kinds)) {
    const guess = nearest(kind, Object.keys(kinds))
    if (guess)
      tell(
        {
          code: 'unknown-kind',
          path: ['kind'],
          message: `${kind} is a kind that Weft does not read`,
          cure: `did you mean ${guess}?`,
        },
        '',
        'warning',
      )
    return
  }
  readKnown({ document, kind: kind as KindName, value: value as Record<string, unknown>, outcome, tell })
}

interface KnownOptions {
  document: YamlDocument
  kind: KindName
  value: Record<string, unknown>
  outcome: ReadOutcome
  tell: (fault: SchemaFault, object?: string, severity?: Fault['severity']) => void
}

function readKnown({ document, kind, value, outcome, tell }: KnownOptions): void {
  const { isNamespaced, schema } = kinds[kind]
  const metadata = value.metadata as { name?: unknown; namespace?: unknown } | undefined
  const name = typeof metadata?.name === 'string' ? metadata.name : ''
  const namespace = isNamespaced ? (typeof metadata?.namespace === 'string' ? metadata.namespace : 'default') : ''
  const key = isNamespaced ? `${namespace}/${name}` : name
  const object = name === '' ? '' : `${kind}/${key}`
  const normal = isNamespaced && metadata ? { ...value, metadata: { ...metadata, namespace } } : value
  const checked = schemaFaults(schema, normal)
  const faults = checked.faults.length > 0 ? checked.faults : (rules[kind]?.(checked.value as never) ?? [])
  for (const fault of faults) tell(fault, object)
  if (faults.length > 0) {
    outcome.faulty.add(objectId(kind, key))
    return
  }
  const sourced: Sourced<never> = {
    value: checked.value as never,
    origin: document.locate([]),
    locate: (path): Origin => document.locate(parsePath(path)),
  }
  outcome.objects.push({ kind, key, sourced, fingerprint: JSON.stringify(checked.value) })
}
