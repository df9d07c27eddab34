/** A proxy in this process under a configuration in memory, and what a test wants to know of it. */
import type { ProxySettings } from '#/config/proxy-settings.ts'
import { proxySettings } from '#/config/proxy-settings.ts'
import { readSettings } from '#/config/read-settings.ts'
import type { ProxyEvents, RequestRecord } from '#/proxy/events.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import { ProxyEngine } from '#/proxy/proxy-engine.ts'
import type { StreamRecord } from '#/proxy/stream/stream-record.ts'
import { FakeSource } from '#/proxy/table/testing/fake-source.ts'
import type { SecretStore } from '#/proxy/tls/secret-store.ts'
import { systemClock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { seededRandom } from '#/std/random.ts'

/** Keeps what it is told. */
export class EventRecorder implements ProxyEvents {
  readonly records: RequestRecord[] = []
  readonly malformed: string[] = []
  readonly malformedDetails: string[] = []
  readonly streams: StreamRecord[] = []
  readonly detections: string[] = []
  /** `HOST:PORT stream refused` */
  readonly unknownHosts: string[] = []
  connections = 0
  upstreamConnections = 0
  upstreamConnectionsEver = 0
  connectFailures = 0

  onConnection(): void {
    this.connections++
  }

  onConnectionClosed(): void {
    this.connections--
  }

  onMalformed(_listener: string, code: string, detail: string): void {
    this.malformed.push(code)
    this.malformedDetails.push(detail)
  }

  onUpstreamConnection(): void {
    this.upstreamConnections++
    this.upstreamConnectionsEver++
  }

  onUpstreamConnectionClosed(): void {
    this.upstreamConnections--
  }

  onUpstreamConnectFailed(): void {
    this.connectFailures++
  }

  onEnd(record: RequestRecord): void {
    this.records.push(record)
  }

  onStreamEnd(record: StreamRecord): void {
    this.streams.push(record)
  }

  onDetected(_listener: string, outcome: string): void {
    this.detections.push(outcome)
  }

  onUnknownHost(host: string, kind: string, outcome: string): void {
    this.unknownHosts.push(`${host} ${kind} ${outcome}`)
  }

  get last(): RequestRecord | undefined {
    return this.records[this.records.length - 1]
  }
}

export function testSettings(more: Partial<ProxySettings> = {}): ProxySettings {
  const read = readSettings(proxySettings, {
    arguments: ['--node-id', 'web-0.shop', '--cluster', 'web'],
    environment: {},
  })
  if (!read.ok) throw new Error(read.faults.join('\n'))
  return { ...read.values, ...more }
}

export interface TestEngine {
  engine: ProxyEngine
  source: FakeSource
  events: EventRecorder
  log: string[]
  /** Where the listener of that name listens. */
  address(listener: string): HostPort
  close(): void
}

/** @param seed of the proxy's chance. @param originalOf what redirected connections were made to. */
export function startEngine(
  settings: Partial<ProxySettings> = {},
  seed = 1,
  secrets?: SecretStore,
  originalOf?: ProxyContext['originalOf'],
): TestEngine {
  const source = new FakeSource()
  const events = new EventRecorder()
  const log: string[] = []
  const engine = new ProxyEngine({
    settings: testSettings(settings),
    source,
    events,
    log: new Log({ component: 'proxy', level: 'debug', sink: { write: (line) => void log.push(line) } }),
    clock: systemClock,
    random: seededRandom(seed),
    ...(secrets ? { secrets } : {}),
    ...(originalOf ? { originalOf } : {}),
  })
  return {
    engine,
    source,
    events,
    log,
    address(name) {
      const status = engine.listeners.status.find((one) => one.name === name && one.isBound)
      if (!status) throw new Error(`${name} does not listen: ${JSON.stringify(engine.listeners.status)}`)
      const colon = status.address.lastIndexOf(':')
      return { host: status.address.slice(0, colon), port: Number(status.address.slice(colon + 1)) }
    },
    close: () => engine.close(),
  }
}

/** Waits until `isTrue`; a test that waits for what never comes fails with `what`. */
export async function until(isTrue: () => boolean, what: string, timeoutMs = 3000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`still waiting for ${what} after ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
