/** An event loop in a thread of its own: carries traffic as the main thread tells it to (docs/decisions/0012-event-loops.md). */
import { parentPort, workerData } from 'node:worker_threads'
import { LimitTable } from '#/proxy/thread/limit-table.ts'
import { LoopEnd } from '#/proxy/thread/loop-end.ts'
import type { LoopOrder, LoopReport, LoopStart } from '#/proxy/thread/loop-message.ts'
import { RelayedSource } from '#/proxy/thread/relayed-source.ts'
import { SecretStore } from '#/proxy/tls/secret-store.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { takeSnapshot } from '#/telemetry/metric/metric-snapshot.ts'
import { newTelemetry, ProxyLoop } from './proxy-body.ts'

/** What the main thread is told when it reads. */
export type DumpFacts = Pick<ReturnType<typeof factsOfDump>, 'dump' | 'clusters'>

export function runLoopThread(): void {
  const port = parentPort!
  const { loop, settings, logLevel, limits, hasIdentity } = workerData as LoopStart
  const report = (told: LoopReport): void => port.postMessage(told)
  const sink = { write: (line: string): void => report({ type: 'log', line }) }
  const log = new Log({ component: 'proxy', fields: { loop }, level: logLevel, format: settings.logFormat, sink })
  const lines = {
    take(bytes: Uint8Array, count: number): void {
      // A copy that the other thread gets whole; the writer uses its own again.
      const copy = new Uint8Array(bytes)
      port.postMessage({ type: 'lines', bytes: copy, lines: count } satisfies LoopReport, [copy.buffer])
    },
  }
  const source = new RelayedSource(report)
  const limitTable = new LimitTable(limits, loop)
  const telemetry = newTelemetry({ settings, log, lines })
  const secrets = hasIdentity ? { secrets: new SecretStore() } : {}
  const body = new ProxyLoop({ settings, source, telemetry, log, limitTable, ...secrets })
  telemetry.registry.collected(
    { name: 'weft_proxy_event_loop_connections', help: 'Open connections of clients, by event loop.', type: 'gauge' },
    () => [
      [['loop', String(loop)], body.engine.listeners.status.reduce((sum, { connections }) => sum + connections, 0)],
    ],
  )
  const end = new LoopEnd({
    engine: body.engine,
    source,
    limits: limitTable,
    log,
    ...secrets,
    clock,
    report,
    factsOf(topic) {
      if (topic === 'metrics') return takeSnapshot(telemetry.registry.families)
      return topic === 'traffic' ? telemetry.traffic?.report() : factsOfDump(body)
    },
    onClose: () => telemetry.close(),
  })
  port.on('message', (order: LoopOrder) => end.take(order))
  process.on('uncaughtException', (error) =>
    log.error('a fault that nobody caught', { stack: error.stack ?? String(error) }),
  )
  end.start()
}

function factsOfDump(body: ProxyLoop) {
  return { dump: body.dump(), clusters: body.clusters() }
}
