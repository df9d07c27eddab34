/** One route object of whatever kind, understood: its rules in the model's words, and all that is wrong with it. */
import type { Sourced } from '#/control/source/resources.ts'
import type { StreamRoute } from '#/model/listener.ts'
import type { RuleRef } from '#/model/object-ref.ts'
import type { Route } from '#/model/route.ts'
import type { Problem } from './problem.ts'
import type { RouteObject, RouteObjectRef } from './route-kind.ts'
import type { BackendLookup } from './rule-scope.ts'

/** A route of the model, and where it stands among others of its kind: numbers that are compared in turn, the smaller first. */
export interface RankedRoute {
  route: Route
  rank: readonly number[]
}

export interface CompiledRule {
  ref: RuleRef
  /** One for each match, in the user's order. Empty for kinds that route no requests. */
  routes: readonly RankedRoute[]
  /** Where its connections or datagrams go. Empty for kinds that route requests. */
  streams: readonly StreamRoute[]
}

export interface CompiledRoute {
  ref: RouteObjectRef
  sourced: Sourced<RouteObject>
  /** Unix time of `creationTimestamp`; Infinity where there is none (a file), so that such a route counts as the youngest. */
  createdAtMs: number
  rules: readonly CompiledRule[]
  problems: readonly Problem[]
}

/** Compiles the rules of a route. */
export type CompileRules<T extends RouteObject> = (
  route: T,
  options: { ref: RouteObjectRef; lookup: BackendLookup; report: (problem: Problem) => void },
) => CompiledRule[]

export function compileRoute<T extends RouteObject>(
  sourced: Sourced<T>,
  options: { ref: RouteObjectRef; lookup: BackendLookup; compileRules: CompileRules<T> },
): CompiledRoute {
  const { ref, lookup, compileRules } = options
  const problems: Problem[] = []
  const report = (problem: Problem): void => {
    problems.push(problem)
  }
  const rules = compileRules(sourced.value, { ref, lookup, report })
  const createdAtMs = Date.parse(sourced.value.metadata.creationTimestamp ?? '')
  return {
    ref,
    sourced,
    createdAtMs: Number.isNaN(createdAtMs) ? Number.POSITIVE_INFINITY : createdAtMs,
    rules,
    problems,
  }
}
