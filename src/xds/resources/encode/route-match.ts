/** RouteMatch → envoy.config.route.v3.RouteMatch. */
import { create } from '@bufbuild/protobuf'
import type { PathMatch, RouteMatch, ValueMatch } from '#/model/route.ts'
import {
  type RouteMatch as RouteMatchMessage,
  RouteMatchSchema,
} from '#/xds/proto/envoy/config/route/v3/route_components_pb.ts'

export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** `https://*.example` as RE2. */
export function wildcardRegex(pattern: string): string {
  return pattern.split('*').map(escapeRegex).join('.*')
}

function pathSpecifier({ type, value }: PathMatch): RouteMatchMessage['pathSpecifier'] {
  if (type === 'exact') return { case: 'path', value }
  if (type === 'regex')
    return {
      case: 'safeRegex',
      value: { $typeName: 'envoy.type.matcher.v3.RegexMatcher', engineType: { case: undefined }, regex: value },
    }
  if (type === 'segment-prefix' && value !== '/' && value !== '') return { case: 'pathSeparatedPrefix', value }
  return { case: 'prefix', value: value === '' ? '/' : value }
}

function stringMatch({ type, value }: ValueMatch) {
  if (type === 'regex') return { matchPattern: { case: 'safeRegex' as const, value: { regex: value } } }
  return { matchPattern: { case: type as 'exact' | 'prefix' | 'suffix' | 'contains', value } }
}

export function headerMatcher(match: ValueMatch) {
  const { name, isInverted } = match
  if (match.type === 'present') {
    return { name, invertMatch: isInverted, headerMatchSpecifier: { case: 'presentMatch' as const, value: true } }
  }
  return {
    name,
    invertMatch: isInverted,
    headerMatchSpecifier: { case: 'stringMatch' as const, value: stringMatch(match) },
  }
}

function queryMatcher(match: ValueMatch) {
  const { name } = match
  if (match.type === 'present')
    return { name, queryParameterMatchSpecifier: { case: 'presentMatch' as const, value: true } }
  return { name, queryParameterMatchSpecifier: { case: 'stringMatch' as const, value: stringMatch(match) } }
}

export function matchOf(match: RouteMatch): RouteMatchMessage {
  const method: ValueMatch[] = match.method
    ? [{ name: ':method', type: 'exact', value: match.method, isInverted: false }]
    : []
  return create(RouteMatchSchema, {
    pathSpecifier: pathSpecifier(match.path),
    headers: [...match.headers, ...method].map(headerMatcher),
    queryParameters: match.query.map(queryMatcher),
    ...(match.isGrpc ? { grpc: {} } : {}),
  })
}
