/**
 * Paths of one destination as shapes: what is an id becomes `{id}`, by its look, or because too many different names stood in its
 * place. Bounded: what finds no room ends in `**`.
 */

export interface PathTreeOptions {
  /** Segments known in all, 1 or more. */
  nodesMax: number
  /** Different names in one place before they are taken for ids. */
  childrenMax: number
  depthMax: number
}

/** A node takes about 200 bytes. No application that people maintain has thirty siblings in a path that are not data. */
export const pathTreeDefaults: PathTreeOptions = { nodesMax: 256, childrenMax: 30, depthMax: 10 }

export const idSegment = '{id}'
export const restSegment = '**'

type Node = Map<string, Node>

export class PathTree {
  readonly #root: Node = new Map()
  readonly #options: PathTreeOptions
  #nodes = 0

  constructor(options: PathTreeOptions = pathTreeDefaults) {
    this.#options = options
  }

  /** Segments known now. */
  get size(): number {
    return this.#nodes
  }

  /**
   * @param path without query.
   * @param roomShare of `nodesMax`, 0 to 1, up to which something new may be kept.
   * @returns undefined for a shape that is not known, when there is no room for it by `roomShare` 0.
   */
  shapeOf(path: string, roomShare = 1): string | undefined {
    const { nodesMax, depthMax } = this.#options
    if (path === '*' || path === '' || path === '/') return path
    let node = this.#root
    let shape = ''
    let start = path.charCodeAt(0) === 0x2f ? 1 : 0
    for (let depth = 0; start <= path.length; depth++) {
      let end = path.indexOf('/', start)
      if (end < 0) end = path.length
      const segment = path.slice(start, end)
      const known = this.#step(node, segment)
      if (known === undefined) {
        if (roomShare === 0) return undefined
        if (depth >= depthMax || this.#nodes >= nodesMax * roomShare) return `${shape}/${restSegment}`
      }
      const [name, child] = known ?? this.#grow(node, segment)
      shape += `/${name}`
      node = child
      start = end + 1
    }
    return shape
  }

  #step(node: Node, segment: string): [string, Node] | undefined {
    const exact = node.get(segment)
    if (exact) return [segment, exact]
    const folded = node.get(idSegment)
    return folded && this.#isFolded(node, segment) ? [idSegment, folded] : undefined
  }

  #grow(node: Node, segment: string): [string, Node] {
    const name = this.#isFolded(node, segment) ? idSegment : segment
    const child: Node = new Map()
    node.set(name, child)
    this.#nodes++
    return [name, child]
  }

  #isFolded(node: Node, segment: string): boolean {
    return node.size >= this.#options.childrenMax || looksLikeId(segment)
  }
}

const digits = /^\d+$/
/** UUIDs (RFC 9562), hashes and other hexadecimal with a digit in it. */
const hexadecimal = /^(?=.*\d)[0-9a-f]{8,}(-[0-9a-f]+)*$/i
/** `order-1234`, `INV_2024_0001`. */
const numbered = /[-_.]\d{3,}$|^\d{2,}[-_.]/
/** ULIDs, tokens: long and mixed. */
const mixed = /^(?=(?:.*\d){2})[\w-]{16,}$/
/** What nobody writes into the path of an endpoint. */
const foreign = /[@%=+,;:|]/

/** By its look alone. `v1`, `2fa` and `oauth2` are names. */
export function looksLikeId(segment: string): boolean {
  if (segment === '' || segment.length > 64) return segment !== ''
  if (!/[\d@%=+,;:|]/.test(segment)) return false
  return (
    digits.test(segment) ||
    hexadecimal.test(segment) ||
    numbered.test(segment) ||
    mixed.test(segment) ||
    foreign.test(segment)
  )
}
