/** What of a request decides which endpoint takes it (Envoy: RouteAction.HashPolicy, each `terminal`): of a list the first that it has. */
export type HashKey =
  /** A name in lower case. */
  | { type: 'header'; name: string }
  | { type: 'cookie'; name: string }
  | { type: 'query'; name: string }
  /** Path and query, as they are sent on. */
  | { type: 'path' }
  /** The address of the client that is connected to the proxy. */
  | { type: 'source' }
