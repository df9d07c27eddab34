/** `--since`, of every command that looks back. */
import { CommandError, type OptionRow } from './command.ts'

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** @param fallback as typed. */
export function sinceOption(fallback: string): OptionRow {
  return {
    name: 'since',
    value: 'TIME',
    default: fallback,
    summary: 'how far to look back: 90s, 10m, 24h, 30d, or a time like 2026-11-23T18:00:00Z',
  }
}

/** @returns milliseconds since 1970. @throws CommandError 2 for what is no time. */
export function readSince(text: string, nowMs: number): number {
  const span = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text)
  if (span) return nowMs - Number(span[1]) * unitMs[span[2] as keyof typeof unitMs]
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw new CommandError(2, `--since ${text}: expected 90s, 10m, 24h, 30d, or a time like 2026-11-23T18:00:00Z`)
  return time
}

/** `3 min ago`; `now` for less than a second. */
export function formatAgo(atMs: number, nowMs: number): string {
  const span = formatSpan(nowMs - atMs)
  return span === '' ? 'now' : `${span} ago`
}

/** `3 min`, rounded down; empty below a second. */
export function formatSpan(spanMs: number): string {
  const seconds = Math.floor(spanMs / 1000)
  if (seconds < 1) return ''
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}
