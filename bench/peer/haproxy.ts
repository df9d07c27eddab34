/** HAProxy from Debian, one thread: the floor for a proxy of HTTP/1.1 in C. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { family, start, stop } from '../process.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer.ts'

async function startHaproxy({ upstream, ports, folder }: PeerOptions): Promise<RunningPeer> {
  const config = join(folder, 'haproxy.cfg')
  writeFileSync(
    config,
    `global
  nbthread 1
  log ${join(folder, 'haproxy.sock')} local0
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  option httplog
  log global
  unique-id-format %{+X}o%ci:%cp_%Ts_%rt
  unique-id-header x-request-id
frontend in
  bind 127.0.0.1:${ports.http1}
  option forwardfor
  acl prefix path_beg /api/
  acl user req.hdr(x-user) bench
  use_backend out if prefix user
backend out
  server one 127.0.0.1:${upstream.http1}
frontend in2
  bind 127.0.0.1:${ports.http2} proto h2
  option forwardfor
  acl prefix path_beg /api/
  acl user req.hdr(x-user) bench
  use_backend out2 if prefix user
backend out2
  server one 127.0.0.1:${upstream.http2} proto h2
frontend in3
  mode tcp
  bind 127.0.0.1:${ports.tcp}
  default_backend out3
backend out3
  mode tcp
  server one 127.0.0.1:${upstream.tcp}
`,
  )
  const child = start('haproxy', ['-db', '-f', config])
  return { pids: () => family(child.pid!), stop: () => stop(child) }
}

export const haproxy: Peer = { kinds: ['http1', 'http2', 'tcp'], start: startHaproxy }
