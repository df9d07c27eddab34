/** Settings of the sidecar about connections: to endpoints, from clients, and streams of opaque bytes. What HTTP bounds: `protocol-settings.ts`. */
import type { SettingTable } from './setting.ts'

const hourMs = 3_600_000

export const connectionSettings = {
  connectTimeoutMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: 60_000,
    default: 1000,
    reason:
      'Upper bound of the time to connect to an endpoint, whatever the control plane says. Inside one data centre a lost SYN is sent again after 1 s, so waiting longer rarely helps, and another endpoint can be tried.',
  },
  poolIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: hourMs,
    default: 4000,
    reason:
      'An unused connection to an endpoint is closed after this time. Below the 5 s after which Node and uvicorn close theirs, so that we close first.',
  },
  multiplexedIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: 24 * hourMs,
    default: 300_000,
    reason:
      'As `poolIdleMs`, for HTTP/2, where an endpoint says which requests it did not begin with before it closes: no race, and a handshake saved.',
  },
  connectionAgeMaxMs: {
    type: 'integer',
    unit: 'ms',
    min: 0,
    max: 24 * hourMs,
    default: 0,
    reason:
      'A connection to an endpoint takes no further requests after this time, and closes when those under way are done; 0 for never, since requests are balanced one by one.',
  },
  streamsPerConnectionMax: {
    type: 'integer',
    unit: 'streams',
    min: 1,
    max: 1_000_000,
    default: 1000,
    reason:
      'Requests at a time on one HTTP/2 connection to an endpoint, if the endpoint allows as many; further ones get a second connection.',
  },
  preconnectPercent: {
    type: 'integer',
    unit: '%',
    min: 100,
    max: 300,
    default: 100,
    reason:
      "Room for requests to an endpoint that is connected ahead, in percent of the requests there are (Envoy's per_upstream_preconnect_ratio times 100); 100 connects only when a request needs it.",
  },
  certificateReloadMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: hourMs,
    default: 5000,
    reason:
      'How often certificate files are looked at for a change. Polled, since the links by which Kubernetes swaps a mounted Secret wake no watcher of the file.',
  },
  connectionsPerEndpointMax: {
    type: 'integer',
    unit: 'connections',
    min: 1,
    max: 100_000,
    default: 1024,
    reason: 'Connections to one endpoint; Envoy allows as many to a cluster.',
  },
  pendingPerEndpointMax: {
    type: 'integer',
    unit: 'requests',
    min: 0,
    max: 1_000_000,
    default: 1024,
    reason: 'Requests that wait for a connection to one endpoint; Envoy allows as many to a cluster.',
  },
  dynamicHostsMax: {
    type: 'integer',
    unit: 'hosts',
    min: 1,
    max: 100_000,
    default: 1000,
    reason: 'Unknown hosts to which connections are kept at a time.',
  },
  replayBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 0,
    max: 16 * 1024 * 1024,
    default: 65_536,
    reason: 'Of a request body is kept this much so that it can be sent again or mirrored; a longer body is sent once.',
  },

  listenerConnectionsMax: {
    type: 'integer',
    unit: 'connections',
    min: 1,
    max: 1_000_000,
    default: 20_000,
    reason: 'Connections to one listener at a time; further ones are closed at once.',
  },
  detectTimeoutMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: 10_000,
    default: 200,
    reason:
      'Where a port does not say what it speaks, neither side has spoken for this time: then its bytes are opaque. While the client is silent its endpoint is connected already, so that a server that speaks first waits for nothing.',
  },
  streamIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 100,
    max: 24 * hourMs,
    default: hourMs,
    reason:
      'A stream of opaque bytes on which nothing moves for this time is closed; as long as in Envoy, for databases keep connections.',
  },
  datagramIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: 24 * hourMs,
    default: 60_000,
    reason: 'A client of datagrams from which and to which nothing came for this time is forgotten; as in Envoy.',
  },
  datagramSessionsMax: {
    type: 'integer',
    unit: 'sessions',
    min: 1,
    max: 60_000,
    default: 4096,
    reason: 'Clients of datagrams at a time on one listener, each with a socket of its own; the oldest makes room.',
  },
} as const satisfies SettingTable
