/**
 * Who called what: edges with counts, from the records of what is over (docs/decisions/0014-traffic-ledger.md). The edge of a request is
 * found by the identity of its peer or cluster and by its path, without building a text and without a new object; edges are
 * bounded, and forgotten when they were idle for long.
 */
import { formatTrafficKey, type TrafficDecision, type TrafficEdge, type TrafficReport } from '#/model/traffic.ts'
import type { RequestRecord, StreamRecord } from '#/proxy/events.ts'
import { systemRandom } from '#/std/random.ts'
import { AddressBlocks } from './address-block.ts'
import { DecisionRing } from './decision-ring.ts'
import { type BookFacts, type EdgeFacts, isDenied, PathBook, verdictOf } from './path-book.ts'
import { PathTree } from './path-tree.ts'

export interface TrafficLedgerOptions {
  /** Milliseconds since 1970, now. */
  nowMs: () => number
  /** Edges at most, 1 or more; each takes about 0.9 KB. */
  edgesMax?: number
  /** An edge unused for so long is forgotten, ms. */
  idleMs?: number
  /** Refusals and audits that are kept, the last ones, 1 or more. */
  decisionsMax?: number
}

/** What is looked up by has no bound of its own: over this many entries per edge it begins anew. */
const booksPerEdge = 2

type Party = Pick<
  RequestRecord,
  'direction' | 'peer' | 'peerPrincipal' | 'isEncrypted' | 'cluster' | 'remoteAddress' | 'originalPort' | 'listener'
>

export class TrafficLedger {
  readonly #nowMs: () => number
  readonly #edgesMax: number
  readonly #idleMs: number
  readonly #sinceMs: number
  readonly #decisions: DecisionRing
  readonly #edges = new Map<string, TrafficEdge>()
  /** Only a way to `#edges`: may be emptied at any time. */
  readonly #books: Record<RequestRecord['direction'], Map<unknown, PathBook[]>> = {
    inbound: new Map(),
    outbound: new Map(),
  }
  #bookCount = 0
  /** By inbound port or outbound destination. */
  readonly #paths = new Map<string, PathTree>()
  readonly #ports = new Map<string, number>()
  readonly #addresses = new AddressBlocks()
  /** Requests and streams that found no room. */
  uncounted = 0

  constructor({ nowMs, edgesMax = 1000, idleMs = 3_600_000, decisionsMax = 200 }: TrafficLedgerOptions) {
    this.#nowMs = nowMs
    this.#edgesMax = edgesMax
    this.#idleMs = idleMs
    this.#sinceMs = nowMs()
    this.#decisions = new DecisionRing(`${this.#sinceMs}-${systemRandom().toString(36).slice(2, 8)}`, decisionsMax)
  }

  /** Edges now. */
  get size(): number {
    return this.#edges.size
  }

  observe(record: RequestRecord): void {
    if (isUnanswerable(record)) return
    const book = this.#bookOf(record, record.authority)
    this.#count(book.find(record) ?? this.#openFor(record, book), record.wallMs)
    if (hasDecided(record)) this.#decide(record, book.facts)
  }

  observeStream(record: StreamRecord): void {
    if (isUnanswerable(record)) return
    const book = this.#bookOf({ ...record, isEncrypted: record.serverName !== '' }, record.serverName)
    const facts: EdgeFacts = {
      protocol: record.transport,
      method: '',
      path: '',
      verdict: verdictOf(record),
      rule: record.deniedBy || record.auditedBy,
    }
    this.#count(this.#open(book, facts, record.wallMs), record.wallMs)
    if (!hasDecided(record)) return
    this.#decide({ ...record, ...facts, authority: record.serverName, requestId: '', grpcStatus: -1 }, book.facts)
  }

  report(): TrafficReport {
    return {
      sinceMs: this.#sinceMs,
      nowMs: this.#nowMs(),
      edges: [...this.#edges.values()],
      uncounted: this.uncounted,
      decisions: this.#decisions.entries,
    }
  }

  /** Forgets what was idle for long. */
  sweep(): void {
    const beforeMs = this.#nowMs() - this.#idleMs
    let hasForgotten = false
    for (const [key, { lastMs }] of this.#edges) {
      if (lastMs >= beforeMs) continue
      this.#edges.delete(key)
      hasForgotten = true
    }
    if (!hasForgotten) return
    this.#clearBooks()
    // Paths and addresses that nobody calls by any more must not stand in the way of new ones.
    this.#paths.clear()
    this.#addresses.clear()
  }

  #count(edge: TrafficEdge | undefined, wallMs: number): void {
    if (edge === undefined) {
      this.uncounted++
      return
    }
    edge.count++
    if (wallMs > edge.lastMs) edge.lastMs = wallMs
  }

  /** @param destination what the caller named. */
  #bookOf(record: Party, destination: string): PathBook {
    const security = securityOf(record)
    const isInbound = record.direction === 'inbound'
    const anchor = isInbound
      ? (record.peer ?? this.#addresses.blockOf(record.remoteAddress))
      : record.cluster?.service === undefined
        ? destination
        : record.cluster
    const port = isInbound ? this.#portOf(record) : (record.cluster?.service?.port ?? 0)
    const books = this.#books[record.direction].get(anchor)
    if (books !== undefined) {
      for (let i = 0; i < books.length; i++) {
        const { facts } = books[i]!
        if (facts.port === port && facts.security === security && facts.principal === record.peerPrincipal)
          return books[i]!
      }
    }
    return this.#newBook(record, anchor, { destination, security, port })
  }

  #newBook(
    record: Party,
    anchor: unknown,
    { destination, security, port }: Pick<BookFacts, 'destination' | 'security' | 'port'>,
  ): PathBook {
    if (++this.#bookCount > booksPerEdge * this.#edgesMax) this.#clearBooks()
    const isInbound = record.direction === 'inbound'
    const { peer, peerPrincipal, remoteAddress, cluster } = record
    const service = cluster?.service
    const facts: BookFacts = {
      direction: record.direction,
      principal: peerPrincipal,
      caller: isInbound && peer?.workload ? `${peer.namespace}/${peer.workload}` : '',
      addressBlock: isInbound && !peer ? this.#addresses.blockOf(remoteAddress) : '',
      destination: isInbound ? '' : service ? `${service.host}:${service.port}` : destination,
      port,
      security,
    }
    const book = new PathBook(facts, this.#pathsOf(facts))
    const books = this.#books[record.direction].get(anchor)
    if (books) books.push(book)
    else this.#books[record.direction].set(anchor, [book])
    return book
  }

  #pathsOf({ destination, port }: BookFacts): PathTree {
    const key = destination || String(port)
    let paths = this.#paths.get(key)
    if (!paths) {
      // Names of hosts may be made up without end.
      if (this.#paths.size >= this.#edgesMax) this.#paths.clear()
      this.#paths.set(key, (paths = new PathTree()))
    }
    return paths
  }

  #openFor(record: RequestRecord, book: PathBook): TrafficEdge | undefined {
    const edge = this.#open(book, book.factsOf(record), record.wallMs)
    if (edge) book.keep(edge, record)
    return edge
  }

  #open(book: PathBook, own: EdgeFacts, wallMs: number): TrafficEdge | undefined {
    const facts = { ...book.facts, ...own }
    const key = formatTrafficKey(facts)
    let edge = this.#edges.get(key)
    if (!edge) {
      if (this.#edges.size >= this.#edgesMax) return undefined
      edge = { ...facts, count: 0, firstMs: wallMs, lastMs: wallMs }
      this.#edges.set(key, edge)
    }
    return edge
  }

  #clearBooks(): void {
    this.#books.inbound.clear()
    this.#books.outbound.clear()
    this.#bookCount = 0
  }

  /** Listeners of a workload's ports are called `inbound:8080`. */
  #portOf({ originalPort, listener }: Party): number {
    if (originalPort !== 0) return originalPort
    let port = this.#ports.get(listener)
    if (port === undefined) {
      port = Number(/:(\d+)(?:\/udp)?$/.exec(listener)?.[1] ?? 0)
      this.#ports.set(listener, port)
    }
    return port
  }

  #decide(record: Decided, { principal, caller, port }: BookFacts): void {
    const { wallMs, code, remoteAddress: address, method, authority, requestId, grpcStatus } = record
    const mark = record.path.indexOf('?')
    const decision: Omit<TrafficDecision, 'sequence' | 'source'> = {
      atMs: wallMs,
      verdict: isDenied(record) ? 'denied' : 'audited',
      code,
      rule: record.deniedBy || record.auditedBy,
      principal,
      caller,
      address,
      port,
      protocol: record.transport ?? (grpcStatus >= 0 ? 'grpc' : 'http'),
      method,
      authority,
      path: (mark < 0 ? record.path : record.path.slice(0, mark)).slice(0, decisionPathMax),
      requestId,
    }
    this.#decisions.add(decision)
  }
}

/** It was decided here: the caller's sidecar hears of it by the answer, which is no decision of its own. */
function hasDecided(record: Pick<RequestRecord, 'direction' | 'code' | 'deniedBy' | 'auditedBy'>): boolean {
  if (record.deniedBy !== '' || record.auditedBy !== '') return true
  return record.code !== '' && record.direction === 'inbound' && isDenied(record)
}

/** A call that found nobody was neither protected nor not. */
function isUnanswerable(
  record: Pick<RequestRecord, 'direction' | 'endpoint' | 'deniedBy' | 'auditedBy' | 'code'>,
): boolean {
  return record.direction === 'outbound' && record.endpoint === undefined && !isDenied(record)
}

/** Of a path in the log of decisions, characters. */
const decisionPathMax = 512

type Decided = Pick<
  RequestRecord,
  | 'wallMs'
  | 'code'
  | 'deniedBy'
  | 'auditedBy'
  | 'remoteAddress'
  | 'method'
  | 'authority'
  | 'path'
  | 'requestId'
  | 'grpcStatus'
> & { transport?: StreamRecord['transport'] }

function securityOf({
  direction,
  peerPrincipal,
  isEncrypted,
  cluster,
}: Pick<RequestRecord, 'direction' | 'peerPrincipal' | 'isEncrypted' | 'cluster'>): BookFacts['security'] {
  if (peerPrincipal !== '') return 'mutual_tls'
  const isTls = direction === 'inbound' ? isEncrypted : cluster?.tls !== undefined && !cluster.tls.isMesh
  return isTls ? 'tls' : 'plaintext'
}
