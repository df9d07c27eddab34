/** Envoy from PyPI, one worker, set up by hand as its documentation says, the same work as ours. */
import { join } from 'node:path'
import { startEnvoy } from '../../test/interop/envoy.ts'
import { benchHost, http2Host } from '../case.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer.ts'

export const typed = (type: string, value: object = {}) => ({ '@type': `type.googleapis.com/${type}`, ...value })

function accessLog(folder: string): object {
  return {
    name: 'file',
    typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
      path: join(folder, 'envoy-access.log'),
      log_format: {
        json_format: {
          start_time: '%START_TIME%',
          method: '%REQ(:METHOD)%',
          path: '%REQ(:PATH)%',
          status: '%RESPONSE_CODE%',
          flags: '%RESPONSE_FLAGS%',
          sent: '%BYTES_SENT%',
          received: '%BYTES_RECEIVED%',
          duration: '%DURATION%',
          id: '%REQ(X-REQUEST-ID)%',
          authority: '%REQ(:AUTHORITY)%',
          upstream: '%UPSTREAM_HOST%',
          agent: '%REQ(USER-AGENT)%',
        },
      },
    }),
  }
}

/** Requests by prefix and header to a cluster, logged. */
export function envoyManager(cluster: string, folder: string): object {
  const match = { prefix: '/api/', headers: [{ name: 'x-user', string_match: { exact: 'bench' } }] }
  return {
    name: 'hcm',
    typed_config: typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: 'in',
      access_log: [accessLog(folder)],
      http_filters: [{ name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') }],
      route_config: {
        virtual_hosts: [
          { name: 'v', domains: [benchHost, http2Host], routes: [{ match, route: { cluster, timeout: '0s' } }] },
        ],
      },
    }),
  }
}

const tcpProxy = {
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: 'tcp', cluster: 'tcp' }),
}

const http2Options = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    { explicit_http_config: { http2_protocol_options: {} } },
  ),
}

export const socket = (port_value: number) => ({ socket_address: { address: '127.0.0.1', port_value } })

async function start({ upstream, ports, folder }: PeerOptions): Promise<RunningPeer> {
  const filters: Record<'http1' | 'http2' | 'tcp', object> = {
    http1: envoyManager('http1', folder),
    http2: envoyManager('http2', folder),
    tcp: tcpProxy,
  }
  const kinds = ['http1', 'http2', 'tcp'] as const
  const running = await startEnvoy({
    static_resources: {
      listeners: kinds.map((kind) => ({
        name: kind,
        address: socket(ports[kind]),
        filter_chains: [{ filters: [filters[kind]] }],
      })),
      clusters: kinds.map((kind) => ({
        name: kind,
        type: 'STATIC',
        connect_timeout: '1s',
        ...(kind === 'http2' ? { typed_extension_protocol_options: http2Options } : {}),
        load_assignment: {
          cluster_name: kind,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(upstream[kind]) } }] }],
        },
      })),
    },
  })
  return { pids: () => [running.pid], stop: () => running.stop() }
}

export const envoy: Peer = { kinds: ['http1', 'http2', 'tcp'], start }
