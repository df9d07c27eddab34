/** Records for tests: an outbound GET of the storefront to reviews that went well, but for what is given. */
import type { Cluster } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import type { Route } from '#/model/route.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { RequestRecord } from '#/proxy/events.ts'

export const storefront: WorkloadIdentity = {
  namespace: 'web',
  workload: 'storefront',
  pod: 'storefront-1',
  serviceAccount: 'storefront',
  app: 'storefront',
  version: 'v1',
}

export const reviews: WorkloadIdentity = {
  namespace: 'shop',
  workload: 'reviews-v2',
  pod: 'reviews-1',
  serviceAccount: 'reviews',
  app: 'reviews',
  version: 'v2',
}

export const reviewsCluster: Cluster = {
  name: 'reviews.shop.svc.cluster.local:80',
  discovery: { type: 'eds', serviceName: 'reviews.shop.svc.cluster.local:80' },
  loadBalancing: 'round-robin',
  connectTimeoutMs: 1000,
  protocol: 'http1',
  service: { namespace: 'shop', name: 'reviews', host: 'reviews.shop.svc.cluster.local', port: 80 },
}

const endpoint: Endpoint = {
  address: '10.0.0.7',
  port: 8080,
  health: 'healthy',
  weight: 1,
  workload: reviews,
  isMeshed: true,
}

const route: Route = {
  name: 'HTTPRoute/shop/reviews rule 0 match 0',
  match: { path: { type: 'segment-prefix', value: '/' }, headers: [], query: [] },
  action: { type: 'respond', status: 200, body: '' },
}

export function buildRecord(given: Partial<RequestRecord> = {}): RequestRecord {
  return {
    direction: 'outbound',
    startMs: 1000,
    wallMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    method: 'GET',
    authority: 'reviews.shop',
    path: '/reviews/1',
    protocol: 'HTTP/1.1',
    userAgent: 'curl/8',
    requestId: '0c6f1d0e-0000-4000-8000-000000000001',
    traceparent: '',
    forwardedFor: '',
    remoteAddress: '10.0.0.3',
    listener: 'outbound',
    route,
    cluster: reviewsCluster,
    endpoint,
    peerPrincipal: '',
    isEncrypted: false,
    originalPort: 0,
    deniedBy: '',
    auditedBy: '',
    peer: reviews,
    status: 200,
    grpcStatus: -1,
    code: '',
    detail: '',
    flags: '-',
    requestBytes: 0,
    responseBytes: 100,
    attempts: 1,
    firstByteMs: 4,
    durationMs: 5,
    ...given,
  }
}
