/**
 * The access rules of one listener through all their changes. Rules that hold patterns wait for the engine of patterns; until then
 * those before are in force, and where there are none nothing passes.
 */
import type { AccessRules, Combined, Permission } from '#/model/access.ts'
import { loadRegex } from '#/proxy/route/regex.ts'
import { AccessTable } from './access-table.ts'

/** Nothing may pass. */
const closed = new AccessTable({ deny: [], allow: [], audit: [] })

export class ListenerAccess {
  readonly #onChange: (fault: string) => void
  #rules: AccessRules | undefined
  #table: AccessTable | undefined
  #isPending = false

  /** @param onChange told when rules that had to wait are in force; with the reason when they can't be read: then nothing passes. */
  constructor(onChange: (fault: string) => void) {
    this.#onChange = onChange
  }

  /** Undefined: anybody may do anything. */
  get table(): AccessTable | undefined {
    return this.#table
  }

  /** The newest rules are in force. */
  get isSettled(): boolean {
    return !this.#isPending
  }

  set(rules: AccessRules | undefined): void {
    if (rules === this.#rules) return
    this.#rules = rules
    this.#isPending = rules !== undefined && hasPattern(rules)
    if (!rules || !this.#isPending) {
      this.#compile(rules)
      return
    }
    // Where everybody could do anything before, nobody may until it is known who.
    this.#table ??= closed
    loadRegex().then(
      () => this.#settle(rules),
      () => this.#settle(rules),
    )
  }

  #settle(rules: AccessRules): void {
    if (rules !== this.#rules) return
    this.#isPending = false
    this.#onChange(this.#compile(rules))
  }

  /** @returns what is wrong; empty for nothing. */
  #compile(rules: AccessRules | undefined): string {
    try {
      this.#table = rules && new AccessTable(rules)
      return ''
    } catch (error) {
      this.#table = closed
      return error instanceof Error ? error.message : String(error)
    }
  }
}

/** Of streams, whose rules hold no patterns. Compiled once; what can't be read lets nothing pass. */
export function connectionTable(rules: AccessRules): AccessTable {
  let table = tables.get(rules)
  if (!table) {
    try {
      table = new AccessTable(rules)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      table = closed
    }
    tables.set(rules, table)
  }
  return table
}

const tables = new WeakMap<AccessRules, AccessTable>()

function hasPattern({ deny, allow = [], audit }: AccessRules): boolean {
  return [...deny, ...allow, ...audit].some(({ permission }) => holdsPattern(permission))
}

function holdsPattern(condition: Combined<Permission>): boolean {
  if (condition.type === 'and' || condition.type === 'or') return condition.conditions.some(holdsPattern)
  if (condition.type === 'not') return holdsPattern(condition.condition)
  return condition.type === 'header' && condition.match.type === 'regex'
}
