/** The limits of a domain as people write them: the YAML of Envoy's own rate limit service → trees. Pure. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { childKey, type DescriptorNode, type LimitUnit, newLimit } from './limit-tree.ts'

export interface ConfigFault {
  /** From 1. */
  line: number
  /** `descriptors[0].rate_limit.unit` */
  field: string
  message: string
}

/** Envoy's limit of a count. */
const requestsMax = 0xffff_ffff
const units = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const satisfies readonly LimitUnit[]

const rateLimitSchema = z.strictObject({
  name: z.string().min(1).optional(),
  unit: z.string().toLowerCase().pipe(z.enum(units)),
  requests_per_unit: z.int().min(0).max(requestsMax),
})

interface Descriptor {
  key: string
  value?: string | undefined
  rate_limit?: z.infer<typeof rateLimitSchema> | undefined
  shadow_mode?: boolean | undefined
  descriptors?: Descriptor[] | undefined
}

const descriptorSchema: z.ZodType<Descriptor> = z.strictObject({
  key: z.string().min(1),
  /** Absent: any value, each with a counter of its own. */
  value: z.string().min(1).optional(),
  rate_limit: rateLimitSchema.optional(),
  shadow_mode: z.boolean().optional(),
  descriptors: z.lazy(() => z.array(descriptorSchema)).optional(),
})

const domainSchema = z.strictObject({ domain: z.string().min(1), descriptors: z.array(descriptorSchema) })

export interface ReadLimits {
  forest: Map<string, DescriptorNode>
  /** Where there are any, the forest is not to be used. */
  faults: ConfigFault[]
}

/** One document a domain. */
export function readLimits(text: string): ReadLimits {
  const outcome: ReadLimits = { forest: new Map(), faults: [] }
  const lines = new LineCounter()
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    const place = new Place(document.contents as Node | null, lines)
    if (document.errors.length > 0) {
      for (const { pos, message } of document.errors)
        outcome.faults.push({ line: lines.linePos(pos[0]).line, field: '', message: message.split('\n')[0]! })
      continue
    }
    if (document.contents === null) continue
    const parsed = domainSchema.safeParse(document.toJS())
    if (parsed.success) readDomain(parsed.data, place, outcome)
    else for (const { path, message } of parsed.error.issues) outcome.faults.push(place.fault(path, message))
  }
  if (outcome.forest.size === 0 && outcome.faults.length === 0)
    outcome.faults.push({ line: 1, field: '', message: 'no domain stands here: write domain and descriptors' })
  return outcome
}

type Path = readonly PropertyKey[]

/** Where in its file a field stands. */
class Place {
  readonly #root: Node | null
  readonly #lines: LineCounter

  constructor(root: Node | null, lines: LineCounter) {
    this.#root = root
    this.#lines = lines
  }

  fault(path: Path, message: string): ConfigFault {
    let field = ''
    for (const step of path)
      field += typeof step === 'number' ? `[${step}]` : `${field === '' ? '' : '.'}${String(step)}`
    return { line: this.#lineOf(path), field, message }
  }

  /** Of the field, or of the nearest thing around it that is written. */
  #lineOf(path: Path): number {
    let node = this.#root
    for (const step of path) {
      if (!isMap(node) && !isSeq(node)) break
      const next: unknown = node.get(step, true)
      if (!isMap(next) && !isSeq(next) && !isScalar(next)) break
      node = next
    }
    return this.#lines.linePos(node?.range?.[0] ?? 0).line
  }
}

function readDomain({ domain, descriptors }: z.infer<typeof domainSchema>, place: Place, outcome: ReadLimits): void {
  if (outcome.forest.has(domain)) {
    outcome.faults.push(place.fault(['domain'], `domain ${domain} stands here twice: write one document a domain`))
    return
  }
  const root: DescriptorNode = { children: new Map() }
  outcome.forest.set(domain, root)
  growTree(root, descriptors, { path: ['descriptors'], name: domain, place, outcome })
}

interface Branch {
  path: Path
  name: string
  place: Place
  outcome: ReadLimits
}

function growTree(parent: DescriptorNode, descriptors: readonly Descriptor[], branch: Branch): void {
  const { place, outcome } = branch
  descriptors.forEach(({ key, value, rate_limit: said, shadow_mode: isShadow, descriptors: inner }, index) => {
    const path = [...branch.path, index]
    const name = `${branch.name}.${key}${value === undefined ? '' : `_${value}`}`
    if (parent.children.has(childKey(key, value))) {
      outcome.faults.push(place.fault([...path, 'key'], `${name} stands here twice: remove one of them`))
      return
    }
    if (isShadow && !said)
      outcome.faults.push(place.fault([...path, 'shadow_mode'], 'there is no rate_limit that could be a shadow'))
    const node: DescriptorNode = { children: new Map() }
    if (said) node.limit = newLimit(said.name ?? name, said.requests_per_unit, said.unit, isShadow ?? false)
    parent.children.set(childKey(key, value), node)
    if (inner) growTree(node, inner, { ...branch, path: [...path, 'descriptors'], name })
  })
}
