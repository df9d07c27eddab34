/** Every setting of the sidecar, with the reason for its default. */
import type { SettingTable, SettingValues } from './setting.ts'

const hourMs = 3_600_000
const gibibyte = 1024 ** 3

export const proxySettings = {
  nodeId: { type: 'text', reason: 'Who this proxy is to the control plane: `POD.NAMESPACE`.' },
  cluster: { type: 'text', default: '', reason: 'Name of the workload, for the control plane and metrics.' },
  namespace: {
    type: 'text',
    default: '',
    reason: 'Namespace of the workload; empty takes the part of the node id behind its last dot.',
  },
  app: {
    type: 'text',
    default: '',
    reason: 'Label `app` of the workload, for metrics; empty takes the name of the workload.',
  },
  appVersion: { type: 'text', default: 'latest', reason: 'Label `version` of the workload, for metrics.' },
  serviceAccount: { type: 'text', default: '', reason: 'ServiceAccount of the workload, for metrics.' },
  control: {
    type: 'addresses',
    default: [{ host: '127.0.0.1', port: 15010 }],
    reason: 'Control planes, tried in turn. May be given several times.',
  },
  admin: {
    type: 'address',
    default: { host: '127.0.0.1', port: 15000 },
    reason: 'Where the admin endpoint listens; loopback, since it shows the whole configuration.',
  },
  stateDir: {
    type: 'text',
    default: '',
    reason: 'Folder for the last good configuration, so that a restart without control plane serves; empty keeps none.',
  },
  clusterDiscovery: {
    type: 'choice',
    choices: ['referenced', 'wildcard'] as const,
    default: 'referenced',
    reason: 'Ask for the clusters that routes name, or for all, as control planes made for Envoy expect.',
  },
  xdsProtocol: {
    type: 'choice',
    choices: ['delta', 'sotw'] as const,
    default: 'delta',
    reason: 'Variant of xDS; delta sends only what changed, and knows aliases.',
  },
  unknownDestinations: {
    type: 'choice',
    choices: ['original', 'any', 'refuse'] as const,
    default: 'original',
    reason:
      'Calls to hosts that the control plane does not know: `original` lets redirected connections go where they were going and answers 404 to requests by name, since a misspelt Service could be a host of the internet; `any` looks names up in DNS too; `refuse` answers 404 always.',
  },
  accessLog: { type: 'text', default: 'stdout', reason: 'One JSON line a request: `stdout`, `off` or a file.' },
  accessLogQuery: {
    type: 'boolean',
    default: true,
    reason: 'Keep query strings in the access log; turn off where they hold secrets.',
  },
  logLevel: {
    type: 'choice',
    choices: ['debug', 'info', 'warn', 'error'] as const,
    default: 'info',
    reason: 'Least severity that is logged.',
  },
  logFormat: {
    type: 'choice',
    choices: ['json', 'text'] as const,
    default: 'json',
    reason: 'JSON for machines, text for a person at a terminal.',
  },

  configWaitMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: 60_000,
    default: 5000,
    reason:
      'A request waits this long for a destination that the proxy has yet to learn of. A control plane answers in milliseconds; a restarting one within seconds.',
  },
  destinationIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 1000,
    max: 24 * hourMs,
    default: 600_000,
    reason: 'A destination that was not called for this time is forgotten.',
  },
  destinationMissingMs: {
    type: 'integer',
    unit: 'ms',
    min: 100,
    max: hourMs,
    default: 10_000,
    reason: 'That a destination does not exist is remembered this long; one that appears meanwhile is known at once.',
  },
  destinationsMax: {
    type: 'integer',
    unit: 'destinations',
    min: 1,
    max: 1_000_000,
    default: 10_000,
    reason:
      'Destinations known at a time; the one unused for longest makes room. Bounds what requests with random hosts can cost.',
  },

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
  requestLineBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 64,
    max: 1_048_576,
    default: 8192,
    reason: 'Longest request line; RFC 9112 section 3 asks for 8000 at least.',
  },
  headerBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 256,
    max: 1_048_576,
    default: 65_536,
    reason: 'All header bytes of a message; Envoy allows 60 KiB.',
  },
  headerCountMax: {
    type: 'integer',
    unit: 'fields',
    min: 10,
    max: 10_000,
    default: 200,
    reason: 'Header fields of a message; Envoy allows 100, browsers behind proxies come close.',
  },
  requestHeaderTimeoutMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: hourMs,
    default: 10_000,
    reason: 'A client may take this long for the head of a request; slower ones only hold connections.',
  },
  clientIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: 24 * hourMs,
    default: 3_600_000,
    reason:
      'A connection of a client without a request is closed after this time. Long, as Envoy has it: other sidecars and applications close theirs first, so that no request meets a closing connection.',
  },
  outputBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 1024,
    max: gibibyte,
    default: 65_536,
    reason: 'Bytes that wait for a slow reader before the other side is paused.',
  },

  drainMs: {
    type: 'integer',
    unit: 'ms',
    min: 0,
    max: hourMs,
    default: 25_000,
    reason: 'After SIGTERM requests under way may take this long; below the 30 s after which Kubernetes kills a pod.',
  },
  drainDelayMs: {
    type: 'integer',
    unit: 'ms',
    min: 0,
    max: hourMs,
    default: 1000,
    reason:
      'After SIGTERM new connections are taken for this time still, since other proxies learn of the leaving a moment later.',
  },
  seriesMax: {
    type: 'integer',
    unit: 'series',
    min: 100,
    max: 1_000_000,
    default: 500,
    reason: 'Sets of labels of the request metrics, 3 KB each; what exceeds them is counted together.',
  },
  seriesIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 1000,
    max: 24 * hourMs,
    default: hourMs,
    reason: 'A series without a request is dropped from the metrics after this time.',
  },
} as const satisfies SettingTable

export type ProxySettings = SettingValues<typeof proxySettings>
