/**
 * Paths of one destination as shapes: what is an id becomes `{id}`, by its look, or because too many different names stood in its
 * place. Bounded: what finds no room ends in `**`.
 */

import { missingPath } from '#/model/traffic.ts'

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

/** Where paths of one shape lead: shapes stand ready, and whoever counts by paths counts by nodes. */
export class PathNode {
  readonly shape: string
  readonly name: string
  readonly children = new Map<string, PathNode>()
  id: PathNode | undefined
  /** The child that was asked for last: most nodes have one that nearly all requests pass. */
  latest: PathNode | undefined
  #rest: PathNode | undefined

  constructor(shape: string, name: string) {
    this.shape = shape
    this.name = name
  }

  /** Of what is too much below here. */
  get rest(): PathNode {
    this.#rest ??= new PathNode(`${this.shape}/${restSegment}`, restSegment)
    return this.#rest
  }
}

const slash = 0x2f

export class PathTree {
  /** For whoever finds nothing. */
  readonly missing = new PathNode(missingPath, '')
  readonly #root = new PathNode('', '')
  /** `/`, nothing, `*` of OPTIONS, and whatever else does not begin with a slash. */
  readonly #slash = new PathNode('/', '')
  readonly #nothing = new PathNode('', '')
  readonly #star = new PathNode('*', '')
  readonly #odd = new PathNode(idSegment, '')
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
   * @param path with its query or without.
   * @param roomShare of `nodesMax`, 0 to 1, up to which something new may be kept.
   * @returns undefined for a shape that is not known, when there is no room for it by `roomShare` 0.
   */
  find(path: string, roomShare = 1): PathNode | undefined {
    const mark = path.indexOf('?')
    const length = mark < 0 ? path.length : mark
    if (length < 2 || path.charCodeAt(0) !== slash) return this.#special(path, length)
    let node = this.#root
    let start = 1
    for (let depth = 0; start <= length; depth++) {
      const { latest } = node
      if (latest !== undefined && isSegmentAt(path, latest.name, start, length)) {
        node = latest
        start += latest.name.length + 1
        continue
      }
      const end = segmentEnd(path, start, length)
      let next = end < 0 ? node.id : this.#child(node, path.slice(start, end))
      if (next === undefined) {
        if (roomShare === 0) return undefined
        if (depth >= this.#options.depthMax || this.#nodes >= this.#options.nodesMax * roomShare) return node.rest
        next = this.#grow(node, end < 0 ? idSegment : path.slice(start, end))
      }
      node = next
      start = Math.abs(end) + 1
    }
    return node
  }

  #special(path: string, length: number): PathNode {
    if (length === 0) return this.#nothing
    if (length > 1) return this.#odd
    return path.charCodeAt(0) === slash ? this.#slash : path.startsWith('*') ? this.#star : this.#odd
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

// Four numbers and texts each: objects would be made for every segment of every request.

function isSegmentAt(path: string, name: string, start: number, length: number): boolean {
  const end = start + name.length
  if (length > end ? path.charCodeAt(end) !== slash : length < end) return false
  for (let i = 0; i < name.length; i++) if (path.charCodeAt(start + i) !== name.charCodeAt(i)) return false
  return true
}

/** @returns where the segment that begins at `start` ends; negative when it is all digits, the most frequent of ids. */
function segmentEnd(path: string, start: number, length: number): number {
  let isNumber = true
  let i = start
  for (; i < length; i++) {
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
