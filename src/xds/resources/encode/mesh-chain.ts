/**
 * Mutual TLS between sidecars → the filter chains of an Envoy: beside each chain one for TLS of the mesh, and of ports that are strict
 * that one alone. Our own proxy reads the mode from the metadata.
 */
import { clone, create } from '@bufbuild/protobuf'
import type { Listener } from '#/model/listener.ts'
import { type MutualTlsMode, meshAlpn, meshNameSuffix, meshServerTls } from '#/model/mutual-tls.ts'
import {
  type FilterChain,
  FilterChainMatchSchema,
  FilterChainSchema,
} from '#/xds/proto/envoy/config/listener/v3/listener_components_pb.ts'
import { serverSocket } from './transport-socket.ts'

/** For `weftMetadata`. */
export function mutualTlsFacts({ mutualTls }: Listener): Record<string, string | undefined> {
  if (!mutualTls) return {}
  const ports = Object.entries(mutualTls.ports ?? {}).map(([port, mode]) => `${port}=${mode}`)
  return { mutual_tls: mutualTls.mode, mutual_tls_ports: ports.join(' ') || undefined }
}

/** @param requests the chain of requests, which names no port; absent where none are taken. */
export function meshChains(
  listener: Listener,
  { requests, streams }: { requests: FilterChain | undefined; streams: readonly FilterChain[] },
): FilterChain[] {
  const { mutualTls } = listener
  const plain = [...(requests ? [requests] : []), ...streams]
  if (!mutualTls) return plain
  const mayBeOpaque = (listener.protocol ?? 'http') !== 'http'
  const { mode, ports = {} } = mutualTls
  const modesOf = (chain: FilterChain, of: MutualTlsMode): FilterChain[] => {
    const hello = {
      mayBeOpaque: mayBeOpaque && of !== 'strict',
      isRequests: chain.name === requests?.name && streams.length > 0,
    }
    return [...(of === 'strict' ? [] : [chain]), ...(of === 'disabled' ? [] : [secured(chain, hello)])]
  }
  const all = plain.flatMap((chain) => modesOf(chain, ports[chain.filterChainMatch?.destinationPort ?? 0] ?? mode))
  // Ports that differ have chains of requests of their own: Envoy looks at the port before all else.
  const own = Object.entries(ports).flatMap(([port, other]) =>
    requests && !streams.some(({ filterChainMatch }) => filterChainMatch?.destinationPort === Number(port))
      ? modesOf(atPort(requests, Number(port)), other)
      : [],
  )
  return [...all, ...own]
}

function atPort(chain: FilterChain, port: number): FilterChain {
  const copy = clone(FilterChainSchema, chain)
  copy.name = `${chain.name} ${port}`
  copy.filterChainMatch ??= create(FilterChainMatchSchema)
  copy.filterChainMatch.destinationPort = port
  return copy
}

function secured(
  chain: FilterChain,
  { mayBeOpaque, isRequests }: { mayBeOpaque: boolean; isRequests: boolean },
): FilterChain {
  const copy = clone(FilterChainSchema, chain)
  copy.name = `${chain.name} mesh`
  const match = copy.filterChainMatch ?? create(FilterChainMatchSchema)
  match.transportProtocol = 'tls'
  match.serverNames = mayBeOpaque ? [`*${meshNameSuffix}`] : []
  match.applicationProtocols = isRequests ? [...meshAlpn] : []
  copy.filterChainMatch = match
  copy.transportSocket = serverSocket(meshServerTls)
  return copy
}
