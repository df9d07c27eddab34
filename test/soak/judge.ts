/**
 * Which failures were bound to happen, and which are requests that the mesh lost. What had reached an endpoint that was killed
 * may fail; what had not, may not: somebody else could have answered it.
 */
import { errorCodes } from '#/std/errors.ts'
import type { Call } from './ledger.ts'

/** An endpoint that was killed, and when another process stood ready in its place. */
export interface Death {
  pid: string
  killedMs: number
  /** Infinity while nothing stands in its place. */
  replacedMs: number
}

/**
 * - `seen`: the killed process had begun with it.
 * - `unread`: it had been written to the killed process and can't be sent twice, so nobody may send it again (RFC 9110 section
 *   9.2.2); whether the process had read it, only the process knew.
 * - `too-long`: refused by a dead endpoint's sidecar, but of its body more was on its way than a proxy keeps to send it again (setting
 *   `replayBytesMax`).
 * - `met-dead`: opaque bytes that were led to an application that was dead and not yet known to be. Its sidecar took the connection, so
 *   that nobody can tell it from one that was served and closed.
 * - `lost`: none of these.
 */
export type Judgement = 'seen' | 'unread' | 'too-long' | 'met-dead' | 'lost'

export interface Evidence {
  deaths: readonly Death[]
  /** Ids that killed processes had written down. */
  seen: ReadonlySet<string>
}

/** A kill and what comes of it are not noticed at once by a process that waits for its turn on a busy machine. */
const slackMs = 1000
/** The code, or what it means, as gRPC tells it. */
const isReset = new RegExp(`upstream_reset|${errorCodes.upstream_reset.meaning}`)
/** The default of the setting. */
const replayBytesMax = 65_536

export function judge(call: Call, { deaths, seen }: Evidence): Judgement {
  const victim = deaths.find(({ pid, killedMs }) => pid === call.server && killedMs <= call.endMs + slackMs)
  if (victim) return 'seen'
  const during = deaths.some(({ killedMs }) => killedMs >= call.startMs - slackMs && killedMs <= call.endMs + slackMs)
  if (during && call.ids.some((id) => seen.has(id))) return 'seen'
  const { lane, isRepeatable, bodyBytes = 0 } = call.plan
  const wasDown = deaths.some(
    ({ killedMs, replacedMs }) => killedMs <= call.endMs + slackMs && replacedMs >= call.startMs - slackMs,
  )
  if (lane === 'tcp' || lane === 'connect' || lane === 'udp') return wasDown ? 'met-dead' : 'lost'
  if (wasDown && bodyBytes > replayBytesMax) return 'too-long'
  return during && !isRepeatable && isReset.test(call.detail) ? 'unread' : 'lost'
}
