/** `envoy.service.ratelimit.v3.RateLimitService`: how much of what a proxy asks for is granted. */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  RateLimitResponse_Code as Code,
  type RateLimitRequest,
  RateLimitRequestSchema,
  type RateLimitResponse_DescriptorStatusSchema,
  RateLimitResponseSchema,
  type RateLimitResponse_RateLimit_Unit as Unit,
} from '#/xds/proto/envoy/service/ratelimit/v3/rls_pb.ts'
import { CallRefusal, type UnaryCall } from '#/xds/transport/server/grpc-server.ts'
import type { CounterAnswer, CounterAsk, CounterStore } from './counter-store.ts'
import type { LimitTally } from './limit-tally.ts'
import { counterKey, findLimit, type Limit, type LimitForest, type LimitUnit, newLimit } from './limit-tree.ts'

export const limitServicePath = '/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit'

/** gRPC's INVALID_ARGUMENT and UNAVAILABLE (https://grpc.io/docs/guides/status-codes/). */
const invalidArgument = 3
const unavailable = 14

/** As Envoy numbers them, in both messages that have them. */
const unitNumbers: readonly (LimitUnit | undefined)[] = [undefined, 'second', 'minute', 'hour', 'day', 'month', 'year']

export interface LimitServiceOptions {
  store: CounterStore
  /**
   * When the store can't be asked. `allow`: everything is granted. `deny`: everything that has a limit is refused. `fault`: the call
   * fails, and the proxy that asks does what it is told to (`failure_mode_deny`).
   */
  onStoreGone: 'allow' | 'deny' | 'fault'
  tally: LimitTally
}

type Status = MessageInitShape<typeof RateLimitResponse_DescriptorStatusSchema>
type Descriptor = RateLimitRequest['descriptors'][number]

export class LimitService {
  readonly #options: LimitServiceOptions
  #forest: LimitForest

  constructor(options: LimitServiceOptions, forest: LimitForest) {
    this.#options = options
    this.#forest = forest
  }

  /** Counters whose limit stays the same go on. */
  setLimits(forest: LimitForest): void {
    this.#forest = forest
  }

  async answer({ request }: Pick<UnaryCall, 'request'>): Promise<Uint8Array> {
    const { domain, descriptors, hitsAddend } = decode(request)
    if (domain === '') throw new CallRefusal(invalidArgument, 'domain: must not be empty')
    if (descriptors.length === 0) throw new CallRefusal(invalidArgument, 'descriptors: must not be empty')
    const limits = descriptors.map((descriptor) => this.#limitOf(domain, descriptor))
    const asks: CounterAsk[] = []
    descriptors.forEach(({ entries }, index) => {
      const limit = limits[index]
      // No addend means one (rls.proto).
      if (limit) asks.push({ key: counterKey(domain, entries, limit), limit, hits: hitsAddend || 1 })
    })
    const answers = asks.length === 0 ? [] : await this.#take(asks)
    const statuses = limits.map((limit): Status => (limit ? this.#status(limit, answers.shift()!) : { code: Code.OK }))
    const isOver = statuses.some(({ code }) => code === Code.OVER_LIMIT)
    const overallCode = isOver ? Code.OVER_LIMIT : Code.OK
    return toBinary(RateLimitResponseSchema, create(RateLimitResponseSchema, { overallCode, statuses }))
  }

  /** A limit that the proxy names goes before what is configured. */
  #limitOf(domain: string, { entries, limit }: Descriptor): Limit | undefined {
    const unit = limit && unitNumbers[limit.unit]
    if (limit && unit) return newLimit(`${domain}.override`, limit.requestsPerUnit, unit)
    return findLimit(this.#forest.get(domain), entries)
  }

  async #take(asks: readonly CounterAsk[]): Promise<CounterAnswer[]> {
    const { store, onStoreGone, tally } = this.#options
    try {
      return await store.take(asks)
    } catch (error) {
      tally.storeFailures++
      if (onStoreGone === 'fault')
        throw new CallRefusal(
          unavailable,
          `counters can not be asked: ${error instanceof Error ? error.message : error}`,
        )
      const isGranted = onStoreGone === 'allow'
      return asks.map(({ limit }) => ({
        isGranted,
        remaining: isGranted ? limit.requests : 0,
        resetMs: limit.windowMs,
      }))
    }
  }

  #status(limit: Limit, { isGranted, remaining, resetMs }: CounterAnswer): Status {
    this.#options.tally.count(limit, isGranted)
    return {
      code: isGranted || limit.isShadow ? Code.OK : Code.OVER_LIMIT,
      currentLimit: {
        name: limit.name,
        requestsPerUnit: limit.requests,
        unit: unitNumbers.indexOf(limit.unit) as Unit,
      },
      limitRemaining: remaining,
      durationUntilReset: { seconds: BigInt(Math.floor(resetMs / 1000)), nanos: (resetMs % 1000) * 1_000_000 },
    }
  }
}

function decode(bytes: Uint8Array): RateLimitRequest {
  try {
    return fromBinary(RateLimitRequestSchema, bytes)
  } catch (error) {
    throw new CallRefusal(invalidArgument, `not a RateLimitRequest: ${error instanceof Error ? error.message : error}`)
  }
}
