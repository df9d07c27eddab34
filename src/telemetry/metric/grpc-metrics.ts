/**
 * Calls of gRPC by method. Istio's standard metrics tell them by destination only; the method is in the path, which a client
 * chooses, so that the number of series is bounded.
 */
import type { RequestRecord } from '#/proxy/events.ts'
import type { Meter, MeterFamily } from './meter.ts'
import type { Registry } from './registry.ts'

/** One method, as one side reports it: its series by status, the last one for statuses that gRPC does not know. */
interface Method {
  reporter: 'source' | 'destination'
  service: string
  method: string
  requests: (Meter | undefined)[]
  milliseconds: Meter
}

const statusesKnown = 17

export class GrpcMetrics {
  readonly #requests: MeterFamily
  readonly #milliseconds: MeterFamily
  readonly #inbound = new Map<string, Method>()
  readonly #outbound = new Map<string, Method>()
  readonly #seriesMax: number

  constructor(registry: Registry, seriesMax: number) {
    this.#seriesMax = seriesMax
    const labels = ['reporter', 'grpc_service', 'grpc_method']
    this.#requests = registry.meters({
      name: 'weft_proxy_grpc_requests_total',
      help: 'Calls of gRPC that have ended, by method and status.',
      type: 'counter',
      labelNames: [...labels, 'grpc_response_status'],
      seriesMax,
    })
    this.#milliseconds = registry.meters({
      name: 'weft_proxy_grpc_request_milliseconds_total',
      help: 'Time that calls of gRPC took, by method.',
      type: 'counter',
      labelNames: labels,
      seriesMax,
    })
  }

  /** Only for records of gRPC. */
  observe(record: RequestRecord): void {
    const { direction, path, grpcStatus, startMs, durationMs } = record
    const methods = direction === 'inbound' ? this.#inbound : this.#outbound
    const method = methods.get(path) ?? this.#know(methods, record)
    const status = grpcStatus < statusesKnown ? grpcStatus : statusesKnown
    const { reporter, service, method: name } = method
    method.requests[status] ??= this.#requests.with(reporter, service, name, String(grpcStatus))
    count(method.requests[status], 1, startMs + durationMs)
    count(method.milliseconds, durationMs, startMs + durationMs)
  }

  /** Forgets what was not used since. @param beforeMs Clock.monotonicMs. */
  sweep(beforeMs: number): void {
    this.#inbound.clear()
    this.#outbound.clear()
    for (const family of [this.#requests, this.#milliseconds]) family.forget(({ usedMs }) => usedMs < beforeMs)
  }

  #know(methods: Map<string, Method>, { direction, path }: RequestRecord): Method {
    if (methods.size >= this.#seriesMax) methods.clear()
    const reporter = direction === 'inbound' ? 'destination' : 'source'
    // `/package.Service/Method`; what is no such path is all method.
    const slash = path.indexOf('/', 1)
    const service = slash < 0 ? '' : path.slice(1, slash)
    const name = slash < 0 ? path : path.slice(slash + 1)
    const milliseconds = this.#milliseconds.with(reporter, service, name)
    const method: Method = {
      reporter,
      service,
      method: name,
      requests: new Array(statusesKnown + 1).fill(undefined),
      milliseconds,
    }
    methods.set(path, method)
    return method
  }
}

function count(meter: Meter, amount: number, nowMs: number): void {
  meter.add(amount)
  meter.usedMs = nowMs
}
