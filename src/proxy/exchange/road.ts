/**
 * The way of a request through the proxy, as a list: `outbound.ts` and `inbound.ts` hold one each. A step looks at one
 * concern, changes the request or takes it over, and knows no other step.
 */
import type { ResponseHead } from '#/codec/message.ts'
import type { TrafficDirection } from '#/model/listener.ts'
import type { TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { ListenerEntry } from '../table/listener-table.ts'
import type { Exchange } from './exchange.ts'

/** `next` passes the request on. `taken`: the step has answered it, or will call `exchange.proceed()` later. */
export type StepOutcome = 'next' | 'taken'

export type RequestStep = (exchange: Exchange) => StepOutcome

/** Looks at the head of an answer and may change it. For the proxy's own answers too, once a route is chosen. */
export type AnswerStep = (exchange: Exchange, head: ResponseHead) => void

export interface Road {
  direction: TrafficDirection
  request: readonly RequestStep[]
  answer: readonly AnswerStep[]
}

/** Where a request came in. */
export interface Entrance {
  listener: ListenerEntry
  /** What a redirected connection was for. */
  original: HostPort | undefined
  /** What the handshake told; absent without TLS. */
  tls?: TlsPeer
}
