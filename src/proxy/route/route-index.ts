/**
 * Finds the routes that a path could match without looking at the others, so that a thousand routes cost little more
 * than ten. Order of precedence is kept by position: of all candidates that match, the smallest position wins, which is
 * what a scan from the front would have found.
 */
import type { RequestHead } from '#/codec/message.ts'
import type { CompiledRoute } from './compiled-route.ts'

/** Positions in the list of routes, ascending. */
type Positions = number[]

const none: Positions = []

export class RouteIndex {
  readonly #routes: readonly CompiledRoute[]
  readonly #byExactPath = new Map<string, Positions>()
  /** Keyed by a path that ends at a segment border; a route is a candidate for that path and all below it. */
  readonly #bySegments = new Map<string, Positions>()
  /** Which lengths occur among the keys of `#bySegments`: other borders of a path need no lookup. */
  readonly #segmentLengths: boolean[] = []
  /** Candidates for every path. */
  readonly #general: Positions = []

  constructor(routes: readonly CompiledRoute[]) {
    this.#routes = routes
    routes.forEach(({ route }, position) => {
      const { type, value } = route.match.path
      if (type === 'exact') append(this.#byExactPath, value, position)
      else if (type === 'segment-prefix') this.#addPrefix(value === '/' ? '' : value, position)
      // A prefix of characters ends within a segment; the whole segments before it are the key.
      else if (type === 'prefix') this.#addPrefix(value.slice(0, Math.max(0, value.lastIndexOf('/'))), position)
      else this.#general.push(position)
    })
  }

  #addPrefix(key: string, position: number): void {
    if (key === '') this.#general.push(position)
    else {
      append(this.#bySegments, key, position)
      this.#segmentLengths[key.length] = true
    }
  }

  /** The first route that matches; `path` is without query. */
  match(head: RequestHead, path: string): CompiledRoute | undefined {
    let best = this.#scan(this.#byExactPath.get(path) ?? none, head, path, this.#routes.length)
    if (this.#bySegments.size > 0) best = this.#matchSegments(head, path, best)
    best = this.#scan(this.#general, head, path, best)
    return this.#routes[best]
  }

  #matchSegments(head: RequestHead, path: string, best: number): number {
    let end = path.length
    while (end > 0) {
      if (this.#segmentLengths[end] === true) {
        const positions = this.#bySegments.get(end === path.length ? path : path.slice(0, end))
        if (positions !== undefined) best = this.#scan(positions, head, path, best)
      }
      end = path.lastIndexOf('/', end - 1)
    }
    return best
  }

  // Plain parameters: this runs several times a request, and an options object would be garbage each time.
  #scan(positions: Positions, head: RequestHead, path: string, best: number): number {
    for (const position of positions) {
      if (position >= best) break
      if (this.#routes[position]!.matches(head, path)) return position
    }
    return best
  }
}

function append(map: Map<string, Positions>, key: string, position: number): void {
  const positions = map.get(key)
  if (positions) positions.push(position)
  else map.set(key, [position])
}
