/**
 * Why a request goes where it goes. The matching code is the same with and without a trace: requests in flight pass
 * none, `weft explain` and the admin endpoint pass one.
 */
import type { Route } from '#/model/route.ts'

/** One route that was looked at, in order of precedence. */
export interface Decision {
  route: Route
  isMatch: boolean
  /** The condition that failed, as the model spells it: `path`, `method`, `header x-user`, `query q`. Empty for a match. */
  field: string
  /** What the route asks for: `prefix /v2`, `exact blue`. */
  expected: string
  /** What the request had; `absent` when it had none. */
  found: string
}

export class DecisionTrace {
  readonly decisions: Decision[] = []

  lose(route: Route, failed: { field: string; expected: string; found: string | undefined }): void {
    this.decisions.push({ route, isMatch: false, ...failed, found: failed.found ?? 'absent' })
  }

  win(route: Route): void {
    this.decisions.push({ route, isMatch: true, field: '', expected: '', found: '' })
  }
}
