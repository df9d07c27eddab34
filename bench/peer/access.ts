/** A sidecar before its application, without access rules and with a hundred: what it costs to be asked. */
import type { AccessRule, AccessRules } from '#/model/access.ts'
import type { Listener } from '#/model/listener.ts'
import { plainPaths } from '#/model/path-rules.ts'
import { clusterTo, forwardAll, startSidecar } from './pair.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer.ts'

const rulesCount = 100

/** Callers, methods and paths as services have them; the one that lets the request pass is the last. */
function hundredRules(): AccessRules {
  const rule = (i: number, path: string): AccessRule => ({
    name: `AccessPolicy/bench/policy-${i} rule 0`,
    principal:
      i === rulesCount - 1
        ? { type: 'any' }
        : { type: 'authenticated', match: { type: 'exact', value: `spiffe://bench/ns/bench/sa/caller-${i}` } },
    permission: {
      type: 'and',
      conditions: [
        {
          type: 'or',
          conditions: ['GET', 'HEAD'].map((value) => ({
            type: 'header' as const,
            match: { name: ':method', type: 'exact' as const, value, isInverted: false },
          })),
        },
        { type: 'path', match: { type: 'template', value: path } },
      ],
    },
  })
  const allow = Array.from({ length: rulesCount }, (_, i) =>
    rule(i, i === rulesCount - 1 ? '/api/**' : `/things-${i}/{id}/parts/*`),
  )
  return { deny: [], allow, audit: [] }
}

function inbound(access: AccessRules | undefined): Peer {
  const start = ({ upstream, ports, ...rest }: PeerOptions): Promise<RunningPeer> => {
    const listener: Listener = {
      name: 'inbound',
      direction: 'inbound',
      address: { host: '127.0.0.1', port: ports.access },
      target: forwardAll('inbound', 'application', false),
      ...(access ? { filters: { access }, paths: plainPaths } : {}),
      isRedirected: false,
      isLazy: false,
    }
    const cluster = clusterTo('application', upstream.http1)
    return startSidecar({ role: 'server', listener, cluster }, { upstream, ports, ...rest })
  }
  return { kinds: ['access'], start }
}

export const weftInbound = inbound(undefined)
export const weftInboundWithRules = inbound(hundredRules())
