/**
 * Conditions of access, compiled into objects that are asked without anything being made. Of a connection that carries no
 * request nothing is known of paths and headers; what follows from that is decided by the rules, not here.
 */
import type { RequestHead } from '#/codec/message.ts'
import type { Combined, IpBlock, Permission, Principal, TextMatch } from '#/model/access.ts'
import { type CompiledValueMatch, compileValueMatch, conditionedValue, valueMatches } from '../../route/value-match.ts'
import { IpRange } from './ip-range.ts'
import { CompiledPathPattern } from './path-pattern.ts'

/** Who asks for what. */
export interface AccessQuestion {
  /** Verified ids of the caller, the SPIFFE id first; empty when it has none. */
  principals: readonly string[]
  /** Of the peer of the connection, as text. */
  address: string
  /** That the workload serves. */
  port: number
  /** Of a token that was found to hold; absent without one. */
  claims?: Readonly<Record<string, unknown>> | undefined
  /** Absent for a connection that is only bytes. */
  head?: RequestHead
}

/** Kleene's logic: in this order `and` is the least, `or` the greatest, `not` the mirror. */
export type Verdict = -1 | 0 | 1
export const no = -1
export const unknown = 0
export const yes = 1

export interface Condition {
  test(question: AccessQuestion): Verdict
  /** What keeps it from holding, the fewest parts that would have to be otherwise; empty when it holds. */
  misses(question: AccessQuestion): string[]
}

type Leaf = Exclude<Principal | Permission, Combined<never>>

/** @throws RangeError, RouteConfigurationError when a part can't be read. `place` is for their texts. */
export function compileCondition(condition: Combined<Leaf>, place: string): Condition {
  switch (condition.type) {
    case 'any':
      return new All([])
    case 'and':
      return new All(condition.conditions.map((part) => compileCondition(part, place)))
    case 'or':
      return compileOr(condition.conditions, place)
    case 'not':
      return new Not(compileCondition(condition.condition, place))
    case 'authenticated':
      return new Authenticated(condition.match)
    case 'address':
      return new Address(condition.block)
    case 'claim':
      return new Claim(condition.path, condition.match)
    case 'port':
      return new Port(condition.port)
    case 'path':
      return new Path(new CompiledPathPattern(condition.match), `path ${condition.match.type} ${condition.match.value}`)
    case 'header':
      return new Header(compileValueMatch(condition.match, place))
  }
}

/** Hundreds of callers that are named are one look into a set. */
function compileOr(conditions: readonly Combined<Leaf>[], place: string): Condition {
  const names: string[] = []
  const others: Condition[] = []
  for (const condition of conditions)
    if (condition.type === 'authenticated' && condition.match.type === 'exact') names.push(condition.match.value)
    else others.push(compileCondition(condition, place))
  return new Some(names.length > 0 ? [new Named(names), ...others] : others)
}

class All implements Condition {
  readonly #parts: readonly Condition[]

  constructor(parts: readonly Condition[]) {
    this.#parts = parts
  }

  test(question: AccessQuestion): Verdict {
    let least: Verdict = yes
    for (const part of this.#parts) {
      const verdict = part.test(question)
      if (verdict === no) return no
      if (verdict < least) least = verdict
    }
    return least
  }

  misses(question: AccessQuestion): string[] {
    return this.#parts.flatMap((part) => part.misses(question))
  }
}

class Some implements Condition {
  readonly #parts: readonly Condition[]

  constructor(parts: readonly Condition[]) {
    this.#parts = parts
  }

  test(question: AccessQuestion): Verdict {
    let most: Verdict = no
    for (const part of this.#parts) {
      const verdict = part.test(question)
      if (verdict === yes) return yes
      if (verdict > most) most = verdict
    }
    return most
  }

  misses(question: AccessQuestion): string[] {
    let fewest: string[] | undefined
    for (const part of this.#parts) {
      const misses = part.misses(question)
      if (!fewest || misses.length < fewest.length) fewest = misses
    }
    return fewest ?? ['nothing is named']
  }
}

class Not implements Condition {
  readonly #part: Condition

  constructor(part: Condition) {
    this.#part = part
  }

  test(question: AccessQuestion): Verdict {
    // Not `-verdict`: -0 is another number than 0 to a hidden class.
    const verdict = this.#part.test(question)
    return verdict === yes ? no : verdict === no ? yes : unknown
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : ['what is excluded']
  }
}

class Named implements Condition {
  readonly #names: ReadonlySet<string>

  constructor(names: readonly string[]) {
    this.#names = new Set(names)
  }

  test({ principals }: AccessQuestion): Verdict {
    for (const name of principals) if (this.#names.has(name)) return yes
    return no
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : ['caller']
  }
}

class Authenticated implements Condition {
  readonly #match: TextMatch

  constructor(match: TextMatch) {
    this.#match = match
  }

  test({ principals }: AccessQuestion): Verdict {
    for (const name of principals) if (fits(this.#match, name)) return yes
    return no
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : ['caller']
  }
}

function fits({ type, value }: TextMatch, text: string): boolean {
  if (type === 'exact') return text === value
  return type === 'prefix' ? text.startsWith(value) : text.endsWith(value)
}

class Claim implements Condition {
  readonly #path: readonly string[]
  readonly #match: TextMatch

  constructor(path: readonly string[], match: TextMatch) {
    this.#path = path
    this.#match = match
  }

  /** A connection that carries no request carries no token either: nothing is known of what it could have said. */
  test({ claims, head }: AccessQuestion): Verdict {
    if (!head) return unknown
    let value: unknown = claims
    for (const name of this.#path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return no
      value = (value as Record<string, unknown>)[name]
    }
    if (typeof value === 'string') return fits(this.#match, value) ? yes : no
    if (!Array.isArray(value)) return no
    for (const item of value) if (typeof item === 'string' && fits(this.#match, item)) return yes
    return no
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : [`claim ${this.#path.join('.')}`]
  }
}

class Address implements Condition {
  readonly #range: IpRange

  constructor(block: IpBlock) {
    this.#range = new IpRange(block)
  }

  test({ address }: AccessQuestion): Verdict {
    return this.#range.has(address) ? yes : no
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : ['address']
  }
}

class Port implements Condition {
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  test({ port }: AccessQuestion): Verdict {
    return port === this.#port ? yes : no
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : [`port ${this.#port}`]
  }
}

class Path implements Condition {
  readonly #pattern: CompiledPathPattern
  readonly #text: string

  constructor(pattern: CompiledPathPattern, text: string) {
    this.#pattern = pattern
    this.#text = text
  }

  test({ head }: AccessQuestion): Verdict {
    if (!head) return unknown
    return this.#pattern.matches(head.path) ? yes : no
  }

  misses(question: AccessQuestion): string[] {
    return this.test(question) === yes ? [] : [this.#text]
  }
}

class Header implements Condition {
  readonly #compiled: CompiledValueMatch

  constructor(compiled: CompiledValueMatch) {
    this.#compiled = compiled
  }

  test({ head }: AccessQuestion): Verdict {
    if (!head) return unknown
    return valueMatches(this.#compiled, conditionedValue(head, this.#compiled.match.name)) ? yes : no
  }

  misses(question: AccessQuestion): string[] {
    if (this.test(question) === yes) return []
    const { name, type, value, isInverted } = this.#compiled.match
    return [`${name === ':method' ? 'method' : `header ${name}`} ${isInverted ? 'not ' : ''}${type} ${value}`.trimEnd()]
  }
}
