/** What stands behind the proxies, and whose own cost is not counted: nginx with fixed answers, and a source of bytes. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../test/contract/suite.ts'
import type { Ports } from './case.ts'
import { start, stop } from './process.ts'

export interface Backend {
  ports: Omit<Ports, 'pair' | 'access'>
  stop(): Promise<void>
}

export async function startBackend(folder: string): Promise<Backend> {
  const http1 = await freePort()
  const http2 = await freePort()
  const config = join(folder, 'backend.conf')
  for (const bytes of [100, 1000, 100_000]) writeFileSync(join(folder, String(bytes)), 'x'.repeat(bytes))
  const answers = `location /api/ { alias ${folder}/; default_type text/plain; }
  location /api/100 { return 200 "${'x'.repeat(100)}"; }
  location /api/1000 { return 200 "${'x'.repeat(1000)}"; }
  location /api/100000 { alias ${join(folder, '100000')}; default_type text/plain; }
  location /api/grpc { default_type application/grpc; add_trailer grpc-status 0; return 200 "0123456789ab"; }`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder};`)
    .join(' ')
  writeFileSync(
    config,
    `daemon off; worker_processes 1; user root; pid ${join(folder, 'backend.pid')}; error_log /dev/null;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 100000000; http2_max_concurrent_streams 1000; open_file_cache max=10; sendfile on; ${temporary}
server { listen 127.0.0.1:${http1}; ${answers} }
server { listen 127.0.0.1:${http2} http2; ${answers} } }`,
  )
  const nginx = start('nginx', ['-c', config, '-p', folder])
  const source = await startSource()
  return {
    ports: { http1, http2, tcp: source.port },
    stop: async () => {
      await stop(nginx)
      source.close()
    },
  }
}

/** Sends as many bytes as the first line asks for. */
async function startSource(): Promise<{ port: number; close: () => void }> {
  const piece = Buffer.alloc(262_144, 'x')
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (line) => {
      let left = Number(line.toString())
      const write = (): void => {
        while (left > 0) {
          const chunk = left >= piece.length ? piece : piece.subarray(0, left)
          left -= chunk.length
          if (!socket.write(chunk)) {
            socket.once('drain', write)
            return
          }
        }
        socket.end()
      }
      write()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
