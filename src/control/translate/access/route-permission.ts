/** The matches of a route → the requests that come by it, as the workload behind it sees them. */
import type { Combined, Permission } from '#/model/access.ts'
import type { PathMatch, Route, ValueMatch } from '#/model/route.ts'
import { allOf, always, type Bias, never, oneOf } from './condition.ts'
import { exact, header, onlyValue } from './operation.ts'

export interface RoutePermission {
  permission: Combined<Permission>
  /** What of the matches could not be told: queries, and what the route itself changes on the way. */
  untold: string[]
}

export function routePermission({ match, action, requestHeaders }: Route, bias: Bias): RoutePermission {
  const untold: string[] = []
  const unknown = (what: string): Combined<Permission> => {
    untold.push(what)
    return bias === 'most' ? always : never
  }
  const isMoved = action.type === 'forward' && action.rewrite?.path !== undefined
  const changed = new Set([
    ...(requestHeaders?.set ?? []).map(({ name }) => name),
    ...(requestHeaders?.add ?? []).map(({ name }) => name),
    ...(requestHeaders?.remove ?? []),
  ])
  const path = pathPermission(match.path)
  const permission = allOf([
    isMoved && path.type !== 'any' ? unknown('the path, which the route rewrites') : path,
    ...(match.method ? [exact(':method', match.method)] : []),
    ...match.headers.map((one: ValueMatch) =>
      changed.has(one.name)
        ? unknown(`the header ${one.name}, which the route changes`)
        : bias === 'least' && one.type === 'exact'
          ? onlyValue(one.name, one.value)
          : ({ type: 'header', match: one } as const),
    ),
    ...match.query.map(({ name }) => unknown(`the query parameter ${name}`)),
    ...(match.isGrpc
      ? [exact(':method', 'POST'), header({ name: 'content-type', type: 'prefix', value: 'application/grpc' })]
      : []),
  ])
  return { permission, untold }
}

function pathPermission({ type, value }: PathMatch): Combined<Permission> {
  if (type === 'regex') return header({ name: ':path', type: 'regex', value: `(${value})(\\?.*)?` })
  if (type === 'exact') return { type: 'path', match: { type, value } }
  if (value === '/' || value === '') return always
  if (type === 'prefix') return { type: 'path', match: { type, value } }
  return oneOf([
    { type: 'path', match: { type: 'exact', value } },
    { type: 'path', match: { type: 'prefix', value: `${value}/` } },
  ])
}
