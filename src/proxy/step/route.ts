/** Which rule holds, what it answers by itself, and which backend gets the request. */

import { hashRequest } from '#/proxy/balance/request-hash.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import { Forwarding } from '#/proxy/exchange/forwarding.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { applyMutation, mutatedAuthority } from '#/proxy/policy/header-mutation.ts'
import { isMirrored } from '#/proxy/policy/mirror.ts'
import { rewritePath } from '#/proxy/policy/path-rewrite.ts'
import { redirectLocation } from '#/proxy/policy/redirect.ts'
import { resolveTimeouts } from '#/proxy/policy/timeout.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort, parseHostPort } from '#/std/host-port.ts'

/** The first route that matches, of the virtual host for the request's authority. */
export function matchRoute(exchange: Exchange): StepOutcome {
  const { head, routes, road, entrance } = exchange
  const { table } = routes!
  // Redirected inbound traffic is told apart by the port that it was for, whatever name the caller used.
  const isByPort = road.direction === 'inbound' && entrance.original !== undefined
  const host = table.findHost(isByPort ? formatHostPort(entrance.original!) : head.authority)
  if (!host) {
    if (isByPort && mayPassThrough(exchange)) return matchRoute(exchange)
    exchange.fail('host_not_found', `${head.authority} has no virtual host in ${table.configuration.name}`)
    return 'taken'
  }
  const route = host.match(head)
  if (!route) {
    exchange.fail('route_not_found', `no route of ${table.configuration.name} matches`)
    return 'taken'
  }
  exchange.route = route
  exchange.record.route = route.route
  return 'next'
}

/** A port of the pod that no Service and no container names: the application is behind it all the same. */
function mayPassThrough(exchange: Exchange): boolean {
  const { original } = exchange.context.passthrough
  if (exchange.routes === original || exchange.context.settings.unknownDestinations === 'refuse') return false
  exchange.routes = original
  return true
}

/** Rules that need no backend are answered here. */
export function answerByRule(exchange: Exchange): StepOutcome {
  const { action, pathRewrite } = exchange.route!
  if (action.type === 'forward') return 'next'
  if (action.type === 'redirect') {
    const location = redirectLocation(exchange.head, action, pathRewrite)
    exchange.answer({ status: action.status, headers: ['location', location], bodyLength: 0, upgrade: '' }, undefined)
    return 'taken'
  }
  const body = Buffer.from(action.body)
  const headers = body.length > 0 ? ['content-type', 'text/plain; charset=utf-8'] : []
  exchange.answer({ status: action.status, headers, bodyLength: body.length, upgrade: '' }, body)
  return 'taken'
}

/** By weight. An invalid backend fails its share of the requests, as Gateway API asks. */
export function pickBackend(exchange: Exchange): StepOutcome {
  const backend = exchange.route!.pickBackend(exchange.context.random)
  exchange.backend = backend
  if (backend.cluster === '') {
    exchange.fail('invalid_backend', backend.invalidReason)
    return 'taken'
  }
  const cluster = exchange.routes!.clusters.get(backend.cluster)
  if (!cluster) {
    exchange.fail('cluster_not_found', `the control plane has no cluster ${backend.cluster}`)
    return 'taken'
  }
  exchange.cluster = cluster
  exchange.record.cluster = cluster.model
  if (cluster.isDynamic) exchange.target ??= targetOf(exchange, cluster)
  return 'next'
}

/** Where each call goes to its own host, or to the address that it was made to. */
function targetOf({ entrance: { original }, head }: Exchange, { model }: UpstreamCluster): HostPort | undefined {
  const named = parseHostPort(head.authority, original?.port ?? 80)
  return model.discovery.type === 'dynamic' ? (named ?? original) : (original ?? named)
}

/** Header changes of the rule and of the backend, then host and path. Matching was by the request as it came. */
export function rewriteRequest(exchange: Exchange): StepOutcome {
  const { head, route, backend } = exchange
  const { action, requestHeaders, pathRewrite } = route!
  if (requestHeaders) {
    applyMutation(requestHeaders, head.headers)
    head.authority = mutatedAuthority(requestHeaders) ?? head.authority
  }
  const ofBackend = backend!.requestHeaders
  if (ofBackend) {
    applyMutation(ofBackend, head.headers)
    head.authority = mutatedAuthority(ofBackend) ?? head.authority
  }
  if (action.type === 'forward' && action.rewrite?.host !== undefined) head.authority = action.rewrite.host
  if (pathRewrite) head.path = rewritePath(pathRewrite, head.path)
  return 'next'
}

/** Chance decides which requests are copied; the copies leave with the request, or when its body is whole. */
export function chooseMirrors(exchange: Exchange): StepOutcome {
  const { action } = exchange.route!
  if (action.type !== 'forward' || action.mirrors.length === 0) return 'next'
  const chosen: UpstreamCluster[] = []
  for (const mirror of action.mirrors) {
    const cluster = exchange.routes!.clusters.get(mirror.cluster)
    if (cluster && isMirrored(mirror, exchange.context.random)) chosen.push(cluster)
  }
  if (chosen.length > 0) {
    exchange.mirrors = chosen
    exchange.body?.keepWhole()
  }
  return 'next'
}

export function limitTime(exchange: Exchange): StepOutcome {
  const { action } = exchange.route!
  if (action.type !== 'forward') return 'next'
  exchange.timeouts = resolveTimeouts(action, exchange.grpc?.timeoutMs ?? 0)
  exchange.limitTime(exchange.timeouts.requestMs)
  return 'next'
}

/** The end of the road: to an endpoint, and its answer back. */
export function forward(exchange: Exchange): StepOutcome {
  const { action } = exchange.route!
  const retry = action.type === 'forward' ? action.retry : undefined
  const hashOn = action.type === 'forward' ? action.hashOn : undefined
  if (hashOn) exchange.hash = hashRequest(hashOn, exchange.head, exchange.record.remoteAddress)
  const forwarding = new Forwarding({ exchange, cluster: exchange.cluster!, retry })
  exchange.forwarding = forwarding
  forwarding.start()
  return 'taken'
}
