/** Patterns of paths, compiled. They look at the path up to its query, and never copy a part of it. */
import type { PathPattern } from '#/model/access.ts'

export class CompiledPathPattern {
  readonly #type: PathPattern['type']
  readonly #value: string
  /** Of a template; empty text for any one segment. */
  readonly #segments: readonly string[]
  readonly #isOpen: boolean

  /** @throws RangeError when a template is none. */
  constructor({ type, value }: PathPattern) {
    this.#type = type
    this.#value = value
    const segments = type === 'template' ? readTemplate(value) : []
    this.#isOpen = segments.at(-1) === '**'
    this.#segments = (this.#isOpen ? segments.slice(0, -1) : segments).map((segment) =>
      isVariable(segment) ? '' : segment,
    )
  }

  /** @param path with its query or without. */
  matches(path: string): boolean {
    const query = path.indexOf('?')
    const end = query < 0 ? path.length : query
    const value = this.#value
    switch (this.#type) {
      case 'exact':
        return end === value.length && path.startsWith(value)
      case 'prefix':
        return end >= value.length && path.startsWith(value)
      case 'suffix':
        return end >= value.length && path.startsWith(value, end - value.length)
      case 'contains': {
        const at = path.indexOf(value)
        return at >= 0 && at + value.length <= end
      }
      case 'template':
        return this.#fits(path, end)
    }
  }

  #fits(path: string, end: number): boolean {
    let at = 0
    for (const segment of this.#segments) {
      if (at >= end || path.charCodeAt(at) !== 0x2f) return false
      const start = at + 1
      at = path.indexOf('/', start)
      if (at < 0 || at > end) at = end
      if (segment === '' ? at === start : at - start !== segment.length || !path.startsWith(segment, start))
        return false
    }
    return this.#isOpen ? at < end && path.charCodeAt(at) === 0x2f : at === end
  }
}

function readTemplate(value: string): string[] {
  const [root, ...segments] = value.split('/')
  const isWrong = segments.some(
    (segment, index) =>
      (segment === '**' ? index < segments.length - 1 : /[*{}]/.test(segment) && !isVariable(segment)) ||
      segment === '',
  )
  if (root !== '' || segments.length === 0 || isWrong) throw new RangeError(`${value} is no template of a path`)
  return segments
}

function isVariable(segment: string): boolean {
  return segment === '*' || /^\{[^*{}]+\}$/.test(segment)
}
