/** Istio's standard metrics of TCP, and how it was found out what connections speak. */
import type { DetectionOutcome, StreamRecord } from '#/proxy/events.ts'
import type { LabelList } from './family.ts'
import type { Meter, MeterFamily } from './meter.ts'
import type { Registry } from './registry.ts'
import { type LabelContext, streamLabels } from './request-labels.ts'

const byteLabels = (list: LabelList): { names: string[]; values: string[] } => ({
  names: list.filter((_, i) => i % 2 === 0),
  values: list.filter((_, i) => i % 2 === 1),
})

/** A record of nobody, for the names of the labels. */
const nobody = {
  direction: 'outbound',
  peer: undefined,
  endpoint: undefined,
  cluster: undefined,
  peerPrincipal: '',
  transport: 'tcp',
  flags: '-',
}

export class StreamMetrics {
  readonly #context: LabelContext
  readonly #opened: MeterFamily
  readonly #closed: MeterFamily
  readonly #received: MeterFamily
  readonly #sent: MeterFamily
  readonly #detected: MeterFamily
  readonly #detectionMs: MeterFamily

  constructor(registry: Registry, context: LabelContext) {
    this.#context = context
    const labelNames = byteLabels(streamLabels(nobody as unknown as StreamRecord, context)).names
    const tcp = (name: string, help: string): MeterFamily =>
      registry.meters({ name: `istio_tcp_${name}_total`, help, type: 'counter', labelNames })
    this.#opened = tcp('connections_opened', 'Streams that found an endpoint.')
    this.#closed = tcp('connections_closed', 'Streams that ended.')
    this.#received = tcp('received_bytes', 'Bytes from clients of streams.')
    this.#sent = tcp('sent_bytes', 'Bytes to clients of streams.')
    const detection = (name: string, help: string): MeterFamily =>
      registry.meters({ name, help, type: 'counter', labelNames: ['listener', 'outcome'] })
    this.#detected = detection(
      'weft_detection_total',
      'Connections whose port does not say what it speaks, by what was found out.',
    )
    this.#detectionMs = detection('weft_detection_milliseconds_total', 'Time that finding it out took, in all.')
  }

  onOpen(record: StreamRecord, nowMs: number): void {
    count(this.#opened.with(...this.#values(record)), 1, nowMs)
  }

  onEnd(record: StreamRecord, nowMs: number): void {
    const values = this.#values(record)
    count(this.#closed.with(...values), 1, nowMs)
    count(this.#received.with(...values), record.receivedBytes, nowMs)
    count(this.#sent.with(...values), record.sentBytes, nowMs)
  }

  onDetected(listener: string, outcome: DetectionOutcome, afterMs: number, nowMs: number): void {
    count(this.#detected.with(listener, outcome), 1, nowMs)
    count(this.#detectionMs.with(listener, outcome), afterMs, nowMs)
  }

  /** Forgets what was idle since `beforeMs`. */
  sweep(beforeMs: number): void {
    const families = [this.#opened, this.#closed, this.#received, this.#sent, this.#detected, this.#detectionMs]
    for (const family of families) family.forget((meter) => meter.usedMs < beforeMs)
  }

  #values(record: StreamRecord): string[] {
    return byteLabels(streamLabels(record, this.#context)).values
  }
}

function count(meter: Meter, amount: number, nowMs: number): void {
  meter.value += amount
  meter.usedMs = nowMs
}
