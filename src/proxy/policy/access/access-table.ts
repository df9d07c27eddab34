/**
 * May this be done? The rules of one listener or route, compiled when they arrive. The proxy asks without a trace; whoever
 * explains asks the same object with one.
 */
import { type AccessRule, type AccessRules, parametersRuleName } from '#/model/access.ts'
import { CallerIndex } from './caller-index.ts'
import { type AccessQuestion, type Condition, compileCondition, unknown, type Verdict, yes } from './condition.ts'

export type AccessAction = 'deny' | 'allow' | 'audit'

/** A rule that was asked. */
export interface AccessTraceEntry {
  action: AccessAction
  rule: string
  isMatch: boolean
  /** What would have had to be otherwise: `caller`, `method`, `path exact /x`. One of them makes a near miss. */
  misses: readonly string[]
}

/** One object an outcome, made with the table. */
export interface AccessDecision {
  isAllowed: boolean
  /** The rule that decided; empty when none did: nothing applies, or no allow matched. */
  rule: string
}

const nothingApplies: AccessDecision = { isAllowed: true, rule: '' }
const notAllowed: AccessDecision = { isAllowed: false, rule: '' }

export class AccessTable {
  readonly #deny: CallerIndex<CompiledRule>
  readonly #allow: CallerIndex<CompiledRule> | undefined
  readonly #audit: CallerIndex<CompiledRule>

  /** @throws RangeError, RouteConfigurationError when a condition can't be read; both name the rule or the value. */
  constructor({ deny, allow, audit }: AccessRules) {
    this.#deny = compile(deny, 'deny')
    this.#allow = allow && compile(allow, 'allow')
    this.#audit = compile(audit, 'audit')
  }

  decide(question: AccessQuestion, trace?: AccessTraceEntry[]): AccessDecision {
    const denial = firstMatch(this.#deny, question, trace)
    if (denial) return denial.decision
    if (!this.#allow) return nothingApplies
    return firstMatch(this.#allow, question, trace)?.decision ?? notAllowed
  }

  /** The name of the first audit rule that matches; empty for none. Whatever was decided. */
  audit(question: AccessQuestion, trace?: AccessTraceEntry[]): string {
    return firstMatch(this.#audit, question, trace)?.decision.rule ?? ''
  }
}

function compile(rules: readonly AccessRule[], action: AccessAction): CallerIndex<CompiledRule> {
  const compiled = rules.map((rule) => new CompiledRule(rule, action))
  return new CallerIndex(compiled, ({ rule }) => rule.principal)
}

class CompiledRule {
  readonly rule: AccessRule
  readonly decision: AccessDecision
  readonly #action: AccessAction
  readonly #needed: Verdict
  readonly #principal: Condition
  readonly #permission: Condition

  constructor(rule: AccessRule, action: AccessAction) {
    const { name, principal, permission } = rule
    this.rule = rule
    this.decision = { isAllowed: action !== 'deny', rule: name }
    this.#action = action
    this.#needed = action === 'deny' && name !== parametersRuleName ? unknown : yes
    this.#principal = compileCondition(principal, name)
    this.#permission = compileCondition(permission, name)
  }

  /** What can't be told of a connection counts against it: it makes no allow, but a deny (docs/decisions/0010, Access). */
  isMatch(question: AccessQuestion): boolean {
    const needed = this.#needed
    return this.#principal.test(question) >= needed && this.#permission.test(question) >= needed
  }

  explain(question: AccessQuestion, isMatch: boolean): AccessTraceEntry {
    const misses = isMatch ? [] : [...this.#principal.misses(question), ...this.#permission.misses(question)]
    return { action: this.#action, rule: this.decision.rule, isMatch, misses }
  }
}

function firstMatch(
  rules: CallerIndex<CompiledRule>,
  question: AccessQuestion,
  trace: AccessTraceEntry[] | undefined,
): CompiledRule | undefined {
  // Whoever explains wants to hear of all.
  for (const rule of trace ? rules.all : rules.rulesFor(question.principals)) {
    const isMatch = rule.isMatch(question)
    trace?.push(rule.explain(question, isMatch))
    if (isMatch) return rule
  }
  return undefined
}
