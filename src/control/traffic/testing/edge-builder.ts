/** Edges for tests: the storefront's GET of reviews by mutual TLS, as reviews' sidecar sees it, but for what is given. */
import type { MeshEdge, TrafficDecision, TrafficEdge, TrafficReport } from '#/model/traffic.ts'

export const storefrontId = 'spiffe://cluster.local/ns/web/sa/storefront'

export function buildEdge(given: Partial<TrafficEdge> = {}): TrafficEdge {
  return {
    direction: 'inbound',
    principal: storefrontId,
    caller: 'web/storefront',
    addressBlock: '',
    destination: '',
    port: 8080,
    protocol: 'http',
    method: 'GET',
    path: '/reviews/{id}',
    security: 'mutual_tls',
    verdict: 'allowed',
    rule: '',
    count: 1,
    firstMs: 1000,
    lastMs: 2000,
    ...given,
  }
}

/** From an address, by plain text. */
export function buildPlainEdge(given: Partial<TrafficEdge> = {}): TrafficEdge {
  return buildEdge({ principal: '', caller: '', addressBlock: '10.0.0.9/32', security: 'plaintext', ...given })
}

export function buildMeshEdge(given: Partial<MeshEdge> = {}): MeshEdge {
  return { ...buildEdge(), workload: 'shop/reviews-v1', serviceAccount: 'reviews', ...given }
}

export function buildReport(given: Partial<TrafficReport> = {}): TrafficReport {
  return { sinceMs: 500, nowMs: 2000, edges: [buildEdge()], uncounted: 0, decisions: [], ...given }
}

export function buildDecision(given: Partial<TrafficDecision> = {}): TrafficDecision {
  return {
    sequence: 1,
    source: '500-a',
    atMs: Date.UTC(2026, 10, 23, 12),
    verdict: 'denied',
    code: 'access_denied',
    rule: 'AccessPolicy/shop/orders rule 0',
    principal: storefrontId,
    caller: 'web/storefront',
    address: '10.0.0.3',
    port: 8080,
    protocol: 'http',
    method: 'DELETE',
    authority: 'orders.shop',
    path: '/orders/17',
    requestId: '0c6f1d0e',
    ...given,
  }
}
