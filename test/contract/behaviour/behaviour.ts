/** The form of a behaviour that every proxy under our control plane must show. */
import type { TestAnswer, TestRequest } from '../http-client.ts'

/** What a request should give. Absent fields are not looked at. */
export interface Expectation {
  status?: number
  /** Name of the backend that answered: `a`, `b`, `c`. */
  backend?: string
  /** Path as the backend saw it. */
  path?: string
  /** Host as the backend saw it. */
  host?: string
  /** Header fields that the backend saw; null for one it must not have seen. */
  received?: Record<string, string | null>
  /** Header fields of the answer; null for one that must not be there. */
  answered?: Record<string, string | null>
}

export interface Exchange {
  /** `path`, or more. The host is the case's own. */
  request: string | (Omit<TestRequest, 'host'> & { host?: string })
  expect: Expectation
}

/** What a case may use beyond single exchanges. */
export interface BehaviourContext {
  /** Sends a request to the case's own host. */
  send(request: string | (Omit<TestRequest, 'host'> & { host?: string })): Promise<TestAnswer>
  /** The same from the sidecar in namespace `web`. */
  sendFromWeb(request: string): Promise<TestAnswer>
  host: string
  /** Port of the proxy's outbound listener. */
  port: number
  /** Requests that backend NAME received on a path, mirrored ones included. */
  receivedBy(backend: string, path: string): number
  /** Replaces the case's YAML; resolves when the control plane has served it. */
  rewrite(yaml: string): void
  /** Waits until `check` holds; fails with its last error after 5 s. */
  eventually(check: () => void | Promise<void>): Promise<void>
}

export interface Behaviour {
  /** A claim. */
  name: string
  /** The rules of an HTTPRoute attached to the case's Service, as YAML; none for no route. */
  rules?: string
  /** Further YAML documents; `$SERVICE` is the case's Service. Services `a`, `b`, `c` (port 80) exist in its namespace. */
  extra?: string
  exchanges?: readonly Exchange[]
  run?: (context: BehaviourContext) => Promise<void>
  /** Why Envoy answers otherwise, where it can't match the standard; printed by name in its run. */
  envoy?: string
}
