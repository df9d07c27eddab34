/** RouteAction → the action of an envoy.config.route.v3.Route. */
import { create } from '@bufbuild/protobuf'
import type {
  ForwardAction,
  PathRewrite,
  RedirectAction,
  RetryPolicy,
  Route,
  RouteMatch,
  WeightedBackend,
} from '#/model/route.ts'
import type { RetryPolicySchema, Route as RouteMessage } from '#/xds/proto/envoy/config/route/v3/route_components_pb.ts'
import {
  DirectResponseActionSchema,
  RedirectAction_RedirectResponseCode,
  RedirectActionSchema,
  RouteAction_ClusterNotFoundResponseCode,
  RouteActionSchema,
} from '#/xds/proto/envoy/config/route/v3/route_components_pb.ts'
import { FractionalPercent_DenominatorType } from '#/xds/proto/envoy/type/v3/percent_pb.ts'
import { durationOf, type InitOf } from './any.ts'
import { hashPolicies } from './hash-policy.ts'
import { mutationFields } from './header-mutation.ts'
import { escapeRegex } from './route-match.ts'

/** Never sent as a cluster: a request that draws it is answered with 500 (`cluster_not_found_response_code`). */
export const invalidBackendCluster = 'weft.dev/invalid-backend'

const denominators = {
  100: FractionalPercent_DenominatorType.HUNDRED,
  10000: FractionalPercent_DenominatorType.TEN_THOUSAND,
  1000000: FractionalPercent_DenominatorType.MILLION,
} as const

/**
 * Gateway API's ReplacePrefixMatch in Envoy's terms (HTTPPathModifier, table of examples). Envoy's `prefix_rewrite` swaps
 * characters, so a replacement by nothing and a match on `/` need care about the slash between.
 */
export function pathRewriteFields(
  rewrite: PathRewrite | undefined,
  match: RouteMatch,
): { prefix?: string; regex?: { pattern: string; substitution: string } } {
  if (!rewrite) return {}
  if (rewrite.type === 'regex') return { regex: { pattern: rewrite.pattern, substitution: rewrite.substitution } }
  if (rewrite.type === 'full')
    return { regex: { pattern: '^/.*$', substitution: rewrite.value.replaceAll('\\', '\\\\') } }
  const matched = match.path.value.replace(/\/+$/, '')
  const value = rewrite.value.replace(/\/+$/, '')
  if (matched === '') return { prefix: `${value}/` }
  if (value === '') return { regex: { pattern: `^${escapeRegex(matched)}/*`, substitution: '/' } }
  return { prefix: value }
}

function backendName(backend: WeightedBackend): string {
  return backend.type === 'cluster' ? backend.cluster : invalidBackendCluster
}

function clusterSpecifier(backends: readonly WeightedBackend[]): InitOf<typeof RouteActionSchema> {
  const only = backends.length === 1 ? backends[0]! : undefined
  if (only && only.weight > 0 && !only.requestHeaders && !only.responseHeaders && only.weight === 1) {
    return { clusterSpecifier: { case: 'cluster', value: backendName(only) } }
  }
  return {
    clusterSpecifier: {
      case: 'weightedClusters',
      value: {
        clusters: backends.map((backend) => ({
          name: backendName(backend),
          weight: backend.weight,
          ...mutationFields(backend.requestHeaders, backend.responseHeaders),
        })),
      },
    },
  }
}

function retryPolicy(retry: RetryPolicy): InitOf<typeof RetryPolicySchema> {
  const on = [
    ...(retry.statuses.length > 0 ? ['retriable-status-codes'] : []),
    ...(retry.onConnectFailure ? ['connect-failure', 'refused-stream'] : []),
    ...(retry.onReset ? ['reset'] : []),
  ]
  return {
    retryOn: on.join(','),
    numRetries: retry.attempts,
    retriableStatusCodes: [...retry.statuses],
    ...(retry.attemptTimeoutMs > 0 ? { perTryTimeout: durationOf(retry.attemptTimeoutMs) } : {}),
    ...(retry.backoffMs > 0 ? { retryBackOff: { baseInterval: durationOf(retry.backoffMs) } } : {}),
  }
}

function forward(action: ForwardAction, match: RouteMatch): RouteMessage['action'] {
  const { prefix, regex } = pathRewriteFields(action.rewrite?.path, match)
  const hasInvalid = action.backends.some((backend) => backend.type === 'invalid')
  const init: InitOf<typeof RouteActionSchema> = {
    ...clusterSpecifier(action.backends),
    ...(hasInvalid
      ? { clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR }
      : {}),
    timeout: durationOf(action.timeoutMs),
    ...(prefix === undefined ? {} : { prefixRewrite: prefix }),
    ...(regex ? { regexRewrite: { pattern: { regex: regex.pattern }, substitution: regex.substitution } } : {}),
    ...(action.rewrite?.host
      ? { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: action.rewrite.host } }
      : {}),
    ...(action.hashOn ? { hashPolicy: hashPolicies(action.hashOn) } : {}),
    ...(action.retry ? { retryPolicy: retryPolicy(action.retry) } : {}),
    requestMirrorPolicies: action.mirrors.map(({ cluster, numerator, denominator }) => ({
      cluster,
      runtimeFraction: { defaultValue: { numerator, denominator: denominators[denominator] } },
    })),
  }
  return { case: 'route', value: create(RouteActionSchema, init) }
}

const redirectCodes = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
} as const

function redirectPath(action: RedirectAction, match: RouteMatch): InitOf<typeof RedirectActionSchema> {
  if (!action.path) return {}
  if (action.path.type === 'full') return { pathRewriteSpecifier: { case: 'pathRedirect', value: action.path.value } }
  const { prefix, regex } = pathRewriteFields(action.path, match)
  if (prefix !== undefined) return { pathRewriteSpecifier: { case: 'prefixRewrite', value: prefix } }
  return {
    pathRewriteSpecifier: {
      case: 'regexRewrite',
      value: { pattern: { regex: regex!.pattern }, substitution: regex!.substitution },
    },
  }
}

function redirect(action: RedirectAction, match: RouteMatch): RouteMessage['action'] {
  const value = create(RedirectActionSchema, {
    ...(action.scheme ? { schemeRewriteSpecifier: { case: 'schemeRedirect', value: action.scheme } } : {}),
    ...(action.host ? { hostRedirect: action.host } : {}),
    ...(action.port ? { portRedirect: action.port } : {}),
    ...redirectPath(action, match),
    responseCode: redirectCodes[action.status],
  })
  return { case: 'redirect', value }
}

export function actionOf(route: Route): RouteMessage['action'] {
  const { action, match } = route
  if (action.type === 'forward') return forward(action, match)
  if (action.type === 'redirect') return redirect(action, match)
  const { status, body } = action
  const value = create(DirectResponseActionSchema, {
    status,
    ...(body === '' ? {} : { body: { specifier: { case: 'inlineString', value: body } } }),
  })
  return { case: 'directResponse', value }
}
