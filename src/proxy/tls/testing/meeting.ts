/** An entrance and an exit that meet on loopback. */
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { ClientTls, ServerTls } from '#/model/tls.ts'
import { PemWatch } from '#/proxy/tls/pem-watch.ts'
import { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import { openTlsEntrance } from '#/proxy/tls/tls-entrance.ts'
import type { SessionTickets } from '#/proxy/tls/tls-exit.ts'
import { TlsExit } from '#/proxy/tls/tls-exit.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'

/** What either side was told. */
export interface Met {
  socket?: Socket
  protocol?: string
  code?: string
  detail?: string
}

export interface Meeting {
  port: number
  watch: PemWatch
  log: string[]
  /** Connections that the entrance let in, echoing, and why it refused others. */
  entered: { peer: TlsPeer; socket: Socket }[]
  refused: string[]
  /** A handshake to its end. */
  meet(exit: TlsExit, tickets?: SessionTickets): Promise<Met>
  exit(tls: ClientTls): TlsExit
}

/** @param secrets by which both sides can name what they show and trust. */
export async function openMeeting(t: TestContext, tls: ServerTls, secrets = new SecretStore()): Promise<Meeting> {
  const log: string[] = []
  const sink = { write: (line: string) => void log.push(line) }
  const watch = new PemWatch({ clock, log: new Log({ component: 'proxy', sink }), intervalMs: 10, secrets })
  const entrance = await openTlsEntrance({ tls, watch, handshakeTimeoutMs: 1000 })
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined))
    entrance.accept(socket, {
      onSecure(secure, peer) {
        meeting.entered.push({ peer, socket: secure })
        secure.on('error', () => undefined)
        secure.pipe(secure)
      },
      onHandshakeFailed: (detail) => void meeting.refused.push(detail),
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const meeting: Meeting = {
    port: (server.address() as AddressInfo).port,
    watch,
    log,
    entered: [],
    refused: [],
    exit: (clientTls) => {
      const exit = new TlsExit(clientTls, watch)
      t.after(() => exit.close())
      return exit
    },
    meet: (exit, tickets = []) =>
      new Promise((resolve) => {
        const socket = connect({ port: meeting.port, host: '127.0.0.1', allowHalfOpen: true })
        sockets.add(socket.on('error', () => undefined))
        socket.once('connect', () =>
          exit.start({
            socket,
            tickets,
            owner: {
              onSecure: (secure, protocol) => resolve({ socket: secure.on('error', () => undefined), protocol }),
              onHandshakeFailed: (code, detail) => resolve({ code, detail }),
            },
          }),
        )
      }),
  }
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    entrance.close()
  })
  return meeting
}

/** Sends and waits for the echo. */
export function echo(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString()
      if (got.length >= text.length) resolve(got)
    })
    socket.once('end', () => resolve(`${got}, then closed`))
    socket.write(text)
  })
}
