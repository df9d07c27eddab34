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

/** Shapes stand ready in their nodes: a request makes no text but the names that it looks for. */
class PathNode {
  readonly shape: string
  /** Of what is too much below here. */
  readonly rest: string
  readonly children = new Map<string, PathNode>()
  id: PathNode | undefined
  /** The child that was asked for last: most nodes have one that nearly all requests pass. */
  latest: PathNode | undefined
  readonly name: string

  constructor(shape: string, name: string) {
    this.shape = shape
    this.name = name
    this.rest = `${shape}/${restSegment}`
  }
}

const slash = 0x2f

export class PathTree {
  readonly #root = new PathNode('', '')
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
    if (path.charCodeAt(0) !== slash || path === '/') return path.length > 1 ? idSegment : path
    let node = this.#root
    let start = 1
    for (let depth = 0; start <= path.length; depth++) {
      const { latest } = node
      if (latest !== undefined && isSegmentAt(path, latest.name, start)) {
        node = latest
        start += latest.name.length + 1
        continue
      }
      const end = segmentEnd(path, start)
      let next = end < 0 ? node.id : this.#child(node, path.slice(start, end))
      if (next === undefined) {
        if (roomShare === 0) return undefined
        if (depth >= depthMax || this.#nodes >= nodesMax * roomShare) return node.rest
        next = this.#grow(node, end < 0 ? idSegment : path.slice(start, end))
      }
      node = next
      start = Math.abs(end) + 1
    }
    return node.shape
  }

  #child(node: PathNode, segment: string): PathNode | undefined {
    const exact = node.children.get(segment)
    if (exact !== undefined) node.latest = exact
    if (exact !== undefined || node.id === undefined) return exact
    return this.#isFolded(node, segment) ? node.id : undefined
  }

  #grow(node: PathNode, segment: string): PathNode {
    this.#nodes++
    if (segment === idSegment || this.#isFolded(node, segment)) {
      node.id = new PathNode(`${node.shape}/${idSegment}`, idSegment)
      return node.id
    }
    const child = new PathNode(`${node.shape}/${segment}`, segment)
    node.children.set(segment, child)
    return child
  }

  #isFolded(node: PathNode, segment: string): boolean {
    return node.children.size >= this.#options.childrenMax || looksLikeId(segment)
  }
}

function isSegmentAt(path: string, name: string, start: number): boolean {
  const end = start + name.length
  if (path.length > end ? path.charCodeAt(end) !== slash : path.length < end) return false
  for (let i = 0; i < name.length; i++) if (path.charCodeAt(start + i) !== name.charCodeAt(i)) return false
  return true
}

/** @returns where the segment that begins at `start` ends; negative when it is all digits, the most frequent of ids. */
function segmentEnd(path: string, start: number): number {
  let isNumber = true
  let i = start
  for (; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code === slash) break
    if (code < 0x30 || code > 0x39) isNumber = false
  }
  return isNumber && i > start ? -i : i
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
