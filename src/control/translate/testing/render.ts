/** A translation as YAML that a person can check: empty lists left out, small things on one line. */
import { Document, isCollection, visit } from 'yaml'
import type { Translation } from '../translate.ts'

export function renderTranslation({ mesh, statuses, faults }: Translation): string {
  const tree = {
    services: plain(mesh.services),
    workloads: plain(mesh.workloads),
    routes: Object.fromEntries([...mesh.routes].map(([name, { virtualHosts }]) => [name, plain(virtualHosts)])),
    clusters: plain(mesh.clusters),
    assignments: Object.fromEntries([...mesh.assignments].map(([name, { endpoints }]) => [name, plain(endpoints)])),
    usage: plain(mesh.usage),
    statuses: plain(statuses),
    faults: faults.map(({ origin, ...fault }) => plain({ ...fault, line: origin.line })),
  }
  const document = new Document(tree, { aliasDuplicateObjects: false })
  visit(document, {
    Collection: (_key, node) => {
      if (isCollection(node) && JSON.stringify(node).length <= 110) node.flow = true
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && !isEmpty(item))
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]))
}

function isEmpty(value: unknown): boolean {
  return (
    (Array.isArray(value) && value.length === 0) ||
    (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0)
  )
}
