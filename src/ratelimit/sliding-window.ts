/**
 * A sliding window from two counters: what the last window granted counts for the part of it that is still within one window of now.
 * At an even rate this is exact; at worst it is off by how unevenly the last window was used. The script that Redis runs
 * (`redis-script.ts`) is the same, line for line.
 */

export interface WindowCounter {
  /** Number of the window since 1970. */
  window: number
  current: number
  previous: number
}

export interface WindowAsk {
  requests: number
  windowMs: number
  /** What one ask takes; 0 only looks. */
  hits: number
  /** How many such asks come together. */
  count: number
}

export interface WindowGrant {
  /** So many of the asks, from the first. */
  granted: number
  remaining: number
  /** Until the window ends, ms. */
  resetMs: number
}

export function newCounter(): WindowCounter {
  return { window: 0, current: 0, previous: 0 }
}

/** Only what is granted is counted: whoever hammers does not lengthen the wait of all. */
export function takeFromWindow(counter: WindowCounter, ask: WindowAsk, nowMs: number): WindowGrant {
  const { requests, windowMs, hits, count } = ask
  const window = Math.floor(nowMs / windowMs)
  const age = window - counter.window
  // A clock that was set back stays in the window that it knows.
  if (age > 0) {
    counter.previous = age === 1 ? counter.current : 0
    counter.current = 0
    counter.window = window
  }
  const passedMs = nowMs - window * windowMs
  const used = counter.current + (counter.previous * (windowMs - passedMs)) / windowMs
  const fitting = hits === 0 ? count : Math.floor((requests - used) / hits)
  const granted = Math.max(0, Math.min(count, fitting))
  counter.current += granted * hits
  const remaining = Math.max(0, Math.floor(requests - used - granted * hits))
  return { granted, remaining, resetMs: Math.max(1, Math.ceil(windowMs - passedMs)) }
}
