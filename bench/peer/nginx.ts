/** nginx from Debian, one worker. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { family, start, stop } from '../process.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer.ts'

async function startNginx({ upstream, ports, folder }: PeerOptions): Promise<RunningPeer> {
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${join(folder, 'nginx.pid')}; error_log ${join(folder, 'nginx-error.log')};
events { worker_connections 4096; }
http {
  log_format j escape=json '{"time":"$time_iso8601","method":"$request_method","path":"$request_uri","status":$status,"bytes":$body_bytes_sent,"duration":$request_time,"id":"$request_id","upstream":"$upstream_addr"}';
  access_log ${join(folder, 'nginx-access.log')} j buffer=64k flush=1s;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 100000000;
  upstream out { server 127.0.0.1:${upstream.http1}; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${ports.http1}; location /api/ { if ($http_x_user != bench) { return 404; } proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }
}
`,
  )
  const child = start('nginx', ['-c', config, '-p', folder])
  return { pids: () => family(child.pid!), stop: () => stop(child) }
}

export const nginx: Peer = { kinds: ['http1'], start: startNginx }
