/** `weft ratelimit` */
import { resolve } from 'node:path'
import type { CounterStore } from '#/ratelimit/counter-store.ts'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { formatHostPort, type HostPort, parseHostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { systemRandom as random } from '#/std/random.ts'
import { type Command, CommandError, type Invocation } from '../command.ts'

const backoffMs = { initialMs: 100, maxMs: 2000 }
/** A counter takes some 200 bytes. */
const countersMax = 100_000
const waitingMax = 10_000
const gone = ['allow', 'deny', 'fault'] as const

export const rateLimitCommand: Command = {
  name: 'ratelimit',
  summary: 'count requests of many proxies together: the service of Envoy’s rate limit protocol',
  details:
    'Answers envoy.service.ratelimit.v3.RateLimitService, to sidecars, to Envoys and to whoever else asks. Counters stand in Redis, which several such services share, or in memory. Ends with Ctrl-C.',
  arguments: [{ name: 'file', summary: 'limits: one YAML document a domain', completes: 'file' }],
  options: [
    { name: 'listen', value: 'HOST:PORT', default: '127.0.0.1:8081', summary: 'where proxies ask (gRPC, plain text)' },
    { name: 'admin', value: 'HOST:PORT', summary: 'where /metrics and /ready are answered' },
    { name: 'redis', value: 'URL', summary: 'redis://HOST:PORT or rediss:// for TLS; without it: in memory' },
    {
      name: 'redis-timeout',
      value: 'MS',
      default: '50',
      summary: 'longest round trip to Redis, after which it counts as gone',
    },
    {
      name: 'redis-gone',
      value: 'WHAT',
      choices: gone,
      default: 'allow',
      summary: 'while Redis is gone: allow all, deny all that has a limit, or a fault to let the proxy decide',
    },
  ],
  examples: [
    { line: 'weft ratelimit limits.yaml', does: 'counters in memory' },
    {
      line: 'weft ratelimit limits.yaml --redis redis://redis:6379 --listen 0.0.0.0:8081 --admin 0.0.0.0:9090',
      does: 'one of several services that share their counters',
    },
  ],
  async run(invocation, { folder, errors }) {
    const log = new Log({ component: 'ratelimit', format: errors.isTerminal ? 'text' : 'json', sink: errors })
    const listen = addressOf(invocation, 'listen')
    const admin = invocation.option('admin') ? addressOf(invocation, 'admin') : undefined
    const { LimitServer } = await import('#/ratelimit/limit-server.ts')
    const file = resolve(folder, invocation.argument('file')!)
    const onStoreGone = gone.find((one) => one === invocation.option('redis-gone'))!
    const store = await openStore(invocation, log)
    try {
      const server = new LimitServer({ store, onStoreGone, file, log })
      const bound = await server.listen(listen, admin)
      log.info('listening', {
        address: formatHostPort(bound.address),
        ...(bound.admin ? { admin: formatHostPort(bound.admin) } : {}),
      })
      await new Promise<void>((done) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, done)
      })
      server.stop()
      return 0
    } catch (error) {
      store.close()
      throw new CommandError(1, error instanceof Error ? error.message : String(error))
    }
  },
}

function addressOf(invocation: Invocation, name: string): HostPort {
  const text = invocation.option(name) ?? ''
  // Port 0 is one that the system chooses; the log tells which.
  const address = text.endsWith(':0') ? { host: text.slice(0, -2), port: 0 } : parseHostPort(text)
  if (address) return address
  throw new CommandError(2, `--${name}: expected HOST:PORT, like 127.0.0.1:8081`)
}

async function openStore(invocation: Invocation, log: Log): Promise<CounterStore> {
  const url = invocation.option('redis')
  if (!url) {
    const { MemoryStore } = await import('#/ratelimit/memory-store.ts')
    return new MemoryStore({ clock, countersMax })
  }
  const timeoutMs = Number(invocation.option('redis-timeout'))
  if (!(timeoutMs > 0)) throw new CommandError(2, '--redis-timeout: expected milliseconds above 0')
  if (!/^rediss?:\/\/./.test(url)) throw new CommandError(2, '--redis: expected redis://HOST:PORT')
  const { RedisStore } = await import('#/ratelimit/redis-store.ts')
  const onState = (isReady: boolean, detail: string): void => {
    if (isReady) log.info('Redis is there')
    else log.warn('Redis is gone', { detail })
  }
  const backoff = new Backoff({ ...backoffMs, random })
  const store = new RedisStore({ url, prefix: 'weft:', timeoutMs, waitingMax, backoff, clock, onState })
  store.start()
  return store
}
