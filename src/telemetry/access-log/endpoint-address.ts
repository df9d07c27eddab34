/** The `address:port` of an endpoint, made once an endpoint rather than once a line. */
import type { Endpoint } from '#/model/endpoint.ts'
import { formatHostPort } from '#/std/host-port.ts'

const known = new WeakMap<Endpoint, string>()

export function endpointAddress(endpoint: Endpoint): string {
  let text = known.get(endpoint)
  if (text === undefined) {
    text = formatHostPort({ host: endpoint.address, port: endpoint.port })
    known.set(endpoint, text)
  }
  return text
}
