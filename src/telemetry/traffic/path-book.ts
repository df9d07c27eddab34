/** The edges between one caller and one destination: by path, of which there are few once ids are folded, then by what else differs. */
import type { TrafficEdge, TrafficProtocol } from '#/model/traffic.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import type { PathNode, PathTree } from './path-tree.ts'

/** What all edges of a book have in common. */
export type BookFacts = Pick<
  TrafficEdge,
  'direction' | 'principal' | 'caller' | 'addressBlock' | 'destination' | 'port' | 'security'
>

/** What a request has of its own. */
export type EdgeFacts = Pick<TrafficEdge, 'protocol' | 'method' | 'path' | 'verdict' | 'rule'>

/** Who only tries may take this share of a destination's room for paths. */
const deniedShare = 0.5

export class PathBook {
  readonly facts: BookFacts
  readonly #paths: PathTree
  readonly #edges = new Map<PathNode, TrafficEdge[]>()

  /** @param paths of the destination, shared by its callers. */
  constructor(facts: BookFacts, paths: PathTree) {
    this.facts = facts
    this.#paths = paths
  }

  /** The edge that counted a request like this before. */
  find(record: RequestRecord): TrafficEdge | undefined {
    const edges = this.#edges.get(this.#nodeOf(record))
    if (edges === undefined) return undefined
    const protocol = protocolOf(record)
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i]!
      if (
        edge.method === record.method &&
        edge.protocol === protocol &&
        edge.rule === (record.deniedBy || record.auditedBy) &&
        (edge.verdict === 'denied') === isDenied(record)
      )
        return edge
    }
    return undefined
  }

  #nodeOf(record: RequestRecord): PathNode {
    // Whatever the application does not have was a guess.
    if (record.status === 404) return this.#paths.find(record.path, 0) ?? this.#paths.missing
    return this.#paths.find(record.path, isDenied(record) ? deniedShare : 1)!
  }

  factsOf(record: RequestRecord): EdgeFacts {
    return {
      protocol: protocolOf(record),
      method: record.method,
      path: this.#nodeOf(record).shape,
      verdict: verdictOf(record),
      rule: record.deniedBy || record.auditedBy,
    }
  }

  /** The edge that counts requests like this from now on. */
  keep(edge: TrafficEdge, record: RequestRecord): void {
    const node = this.#nodeOf(record)
    const edges = this.#edges.get(node)
    if (edges) edges.push(edge)
    else this.#edges.set(node, [edge])
  }
}

function protocolOf({ grpcStatus }: RequestRecord): TrafficProtocol {
  return grpcStatus >= 0 ? 'grpc' : 'http'
}

type Judged = Pick<RequestRecord, 'code' | 'deniedBy' | 'auditedBy'>

/** No rule allowed it, plain text came to a strict port, a token was none: nobody's rule has denied it, but it was refused for who called. */
const refusals = /^(access_denied|no_rule_allows|mtls_required|jwt_\w+|jwks_\w+|authorization_\w+)$/

export function isDenied({ code, deniedBy }: Judged): boolean {
  return deniedBy !== '' || (code !== '' && refusals.test(code))
}

export function verdictOf(record: Judged): TrafficEdge['verdict'] {
  if (isDenied(record)) return 'denied'
  return record.auditedBy === '' ? 'allowed' : 'audited'
}
