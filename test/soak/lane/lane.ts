/** One way of calling, over and over, with a part of the calls cut by the soak in the middle. */
import type { Random } from '#/std/random.ts'
import type { Call, CallPlan, LaneName, Ledger } from '../ledger.ts'

/** Ports on loopback where the caller's sidecar takes calls. */
export interface SoakPorts {
  http: number
  h2c: number
  grpc: number
  raw: number
  datagram: number
  /** Takes CONNECT. */
  outbound: number
}

export interface LaneContext {
  ports: SoakPorts
  ledger: Ledger
  random: Random
  /** Of the soak, ms since 1970. */
  endMs: number
}

/** A dialogue of messages, each of which has to come back before the next is sent. */
export interface Dialogue {
  messages: number
  /** A pause before each but the first, ms. */
  everyMs: number
}

/** One that takes as long as the soak. */
export function longDialogue({ endMs }: LaneContext): Dialogue {
  const everyMs = 250
  return { messages: Math.max(1, Math.floor((endMs - Date.now()) / everyMs)), everyMs }
}

export interface Lane {
  readonly name: LaneName
  /** How many of it run side by side. */
  readonly width: number
  /** The longest pause between two calls of one, ms. */
  readonly pauseMs: number
  /** One call, or a few that belong together; never rejects: the ledger takes how they ended. */
  call(context: LaneContext): Promise<void>
  /** Lets go of kept connections. */
  close(): void
}

export const callTimeoutMs = 10_000

/** Runs `work` as one call of the ledger; what it throws is the failure. */
export async function record(
  { ledger }: LaneContext,
  plan: CallPlan,
  work: (call: Call) => Promise<void>,
): Promise<void> {
  const call = ledger.begin(plan)
  try {
    await work(call)
    ledger.end(call, undefined)
  } catch (error) {
    ledger.end(call, error instanceof Error ? error.message : String(error))
  }
}
