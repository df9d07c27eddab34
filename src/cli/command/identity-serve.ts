/** `weft identity serve` */
import { resolve } from 'node:path'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { parseHostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import { type Command, CommandError, type Invocation, type Surroundings } from '../command.ts'

/** First and longest wait after a refusal, and between two looks at the file of roots, ms. */
const backoffMs = { initialMs: 200, maxMs: 30_000 }
const pollMs = 5000
const dayMs = 86_400_000

export const identityServeCommand: Command = {
  name: 'identity serve',
  summary: 'give programs without a sidecar their identity: SPIFFE Workload API, SDS for Envoy, files',
  details:
    'Gets a certificate from the control plane, proving by the token who it is, renews it, and hands it to who asks on the Unix socket (for this user alone) or reads the files. Ends with Ctrl-C.',
  arguments: [],
  options: [
    { name: 'authority', value: 'HOST:PORT', summary: 'TLS port of the control plane' },
    { name: 'token-file', value: 'FILE', summary: 'the token that proves who we are', completes: 'file' },
    {
      name: 'bundle-file',
      value: 'FILE',
      summary: 'PEM of the roots that are trusted to begin with',
      completes: 'file',
    },
    { name: 'trust-domain', value: 'NAME', default: 'cluster.local', summary: 'trust domain of the mesh' },
    { name: 'socket', value: 'PATH', summary: 'Unix socket for the Workload API and SDS', completes: 'file' },
    {
      name: 'write',
      value: 'DIR',
      summary: 'folder for certificate.pem, key.pem and roots.pem, as gRPC and others read them',
      completes: 'directory',
    },
  ],
  examples: [
    {
      line: 'weft identity serve --authority 127.0.0.1:15012 --token-file token --bundle-file bundle.pem --socket agent.sock',
      does: 'programs find it by SPIFFE_ENDPOINT_SOCKET=unix:agent.sock, Envoy by a cluster of that pipe',
    },
    {
      line: 'weft identity serve --authority 127.0.0.1:15012 --token-file token --bundle-file bundle.pem --write certificates',
      does: 'three files for the certificate provider of gRPC',
    },
  ],
  async run(invocation, surroundings) {
    const agent = await newAgent(invocation, surroundings)
    const ended = new Promise<void>((done) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, done)
    })
    // Renewals alone, far away as they are, would not keep the process.
    let anchor = clock.after(dayMs, function again() {
      anchor = clock.after(dayMs, again)
    })
    try {
      await agent.start()
    } catch (error) {
      anchor.cancel()
      throw new CommandError(1, `the agent could not start: ${error instanceof Error ? error.message : String(error)}`)
    }
    await ended
    anchor.cancel()
    agent.stop()
    return 0
  },
}

async function newAgent(invocation: Invocation, { folder, errors }: Surroundings) {
  const address = parseHostPort(needed(invocation, 'authority'))
  if (!address) throw new CommandError(2, '--authority: expected HOST:PORT, like 127.0.0.1:15012')
  const pathOf = (name: string): string => resolve(folder, needed(invocation, name))
  const [socket, files] = [invocation.option('socket'), invocation.option('write')]
  if (!socket && !files) throw new CommandError(2, 'nobody would be served', 'Give --socket, --write or both.')
  const log = new Log({ component: 'identity', format: errors.isTerminal ? 'text' : 'json', sink: errors })
  const { WorkloadIdentity } = await import('#/identity/workload/workload-identity.ts')
  const { askForCertificate } = await import('#/identity/workload/certificate-client.ts')
  const { IdentityAgent } = await import('#/identity/agent/identity-agent.ts')
  const identity = new WorkloadIdentity({
    addresses: [address],
    trustDomain: invocation.option('trust-domain')!,
    tokenFile: pathOf('token-file'),
    bundleFile: pathOf('bundle-file'),
    pollMs,
    ask: askForCertificate,
    backoff: new Backoff({ ...backoffMs, random }),
    clock,
    random,
    log,
  })
  return new IdentityAgent({
    identity,
    ...(socket ? { socket: resolve(folder, socket) } : {}),
    ...(files ? { folder: resolve(folder, files) } : {}),
    log,
  })
}

function needed(invocation: Invocation, name: string): string {
  const value = invocation.option(name)
  if (value) return value
  throw new CommandError(2, `--${name} is missing`)
}
