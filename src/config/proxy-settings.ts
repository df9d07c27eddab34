/** Every setting of the sidecar, with the reason for its default. */
import { connectionSettings } from './connection-settings.ts'
import { identitySettings } from './identity-settings.ts'
import { protocolSettings } from './protocol-settings.ts'
import type { SettingTable, SettingValues } from './setting.ts'

const hourMs = 3_600_000

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
  ...identitySettings,
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

  concurrency: {
    type: 'integer',
    unit: 'loops',
    min: 0,
    max: 32,
    default: 0,
    reason:
      'Event loops that take connections, each a thread with about 20 MB of its own. 0 goes by the CPU limit of the cgroup, rounded up, and is 1 where there is none.',
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
  ...connectionSettings,
  ...protocolSettings,

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
  unknownHostsMax: {
    type: 'integer',
    unit: 'hosts',
    min: 1,
    max: 10_000,
    default: 100,
    reason:
      'Hosts that nobody knows and that are counted by name, for `weft egress report`; calls to further ones are counted together.',
  },
  trafficEdgesMax: {
    type: 'integer',
    unit: 'edges',
    min: 0,
    max: 100_000,
    default: 1000,
    reason:
      'Edges of the traffic ledger (who called what, for `weft authn report` and `weft access`), 0.9 KB each; 0 keeps none.',
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
