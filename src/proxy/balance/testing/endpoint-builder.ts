/** Endpoints for tests: 10.0.0.1:80, 10.0.0.2:80 and so on. */
import type { Endpoint } from '#/model/endpoint.ts'

export function buildEndpoint(number: number, given: Partial<Endpoint> = {}): Endpoint {
  const address = `10.0.${number >> 8}.${number & 255}`
  return { address, port: 80, health: 'healthy', weight: 1, isMeshed: false, ...given }
}

export function buildEndpoints(count: number, weightOf: (i: number) => number = () => 1): Endpoint[] {
  return Array.from({ length: count }, (_, i) => buildEndpoint(i + 1, { weight: weightOf(i) }))
}
