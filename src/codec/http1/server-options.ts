/** What a server connection of HTTP/1.1 is given. */
import type { ServerHandler } from '../stream.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import type { Http1Limits } from './limits.ts'

export interface Http1ServerOptions {
  handler: ServerHandler
  limits: Http1Limits
  /** A coarse wheel shared by all connections. */
  wheel: TimerWheel
  /** Called once when the connection is gone. */
  onClosed?: () => void
}
