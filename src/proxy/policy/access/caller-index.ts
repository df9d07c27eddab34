/** Which rules can hold for a caller at all: of a hundred that each name one service account one is asked. */
import type { Combined, Principal } from '#/model/access.ts'

/** Beyond so many entries in all the lists together there is no index, and every rule is asked. */
const entriesMax = 50_000

export class CallerIndex<Rule> {
  readonly #all: readonly Rule[]
  /** For callers that no rule names. */
  readonly #others: readonly Rule[]
  /** The rules that name a caller, with those that name nobody, in order. */
  readonly #byName: ReadonlyMap<string, readonly Rule[]>

  /** @param principalOf whom a rule is for. */
  constructor(rules: readonly Rule[], principalOf: (rule: Rule) => Combined<Principal>) {
    const names = rules.map((rule) => namesOf(principalOf(rule)))
    const known = new Set(names.flatMap((set) => [...(set ?? [])]))
    const others = rules.filter((_, index) => names[index] === undefined)
    const isSmall = known.size * (others.length + 1) <= entriesMax
    this.#all = rules
    this.#others = isSmall ? others : rules
    this.#byName = new Map(
      isSmall
        ? [...known].map((name) => [name, rules.filter((_, index) => names[index]?.has(name) ?? true)] as const)
        : [],
    )
  }

  get all(): readonly Rule[] {
    return this.#all
  }

  /** In their order; those that are left out can't hold. @param principals of the caller. */
  rulesFor(principals: readonly string[]): readonly Rule[] {
    if (principals.length > 1) return this.#all
    if (principals.length === 0) return this.#others
    return this.#byName.get(principals[0]!) ?? this.#others
  }
}

/** Names of which the caller must have one; undefined when others may be meant too. */
function namesOf(condition: Combined<Principal>): ReadonlySet<string> | undefined {
  switch (condition.type) {
    case 'authenticated':
      return condition.match.type === 'exact' ? new Set([condition.match.value]) : undefined
    case 'or': {
      const parts = condition.conditions.map(namesOf)
      return parts.every((part) => part !== undefined) ? new Set(parts.flatMap((part) => [...part])) : undefined
    }
    case 'and': {
      const parts = condition.conditions.map(namesOf).filter((part) => part !== undefined)
      return parts.sort((a, b) => a.size - b.size)[0]
    }
    default:
      return undefined
  }
}
