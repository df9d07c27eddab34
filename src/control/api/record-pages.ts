/** The pages of the API that tell what was called, decided and changed: they take a time, and are answered when all was gathered. */
import type { AccessPolicy } from '#/api/access-policy.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import type { AuditEntry } from '../audit/audit-entry.ts'

/** An AccessPolicy, and where it stands. */
export interface WrittenPolicy {
  file: string
  line: number
  value: AccessPolicy
}

/** What is kept about the past. */
export interface Records {
  /** As of now. @param fromMs milliseconds since 1970. */
  traffic(fromMs: number): Promise<MeshTraffic>
  /** Policies as they are written, the last good version of each. */
  policies(): readonly WrittenPolicy[]
  /** The newest first. */
  audit(wanted: { fromMs: number; max: number }): Promise<AuditEntry[]>
}

/** Entries that one answer holds unless `limit` says less. */
const entriesMax = 10_000

const answers: Record<string, (records: Records, wanted: { fromMs: number; max: number }) => Promise<unknown>> = {
  '/api/v1/traffic': (records, { fromMs }) => records.traffic(fromMs),
  '/api/v1/policies': async (records) => records.policies(),
  '/api/v1/audit': (records, wanted) => records.audit(wanted),
}

export const recordPaths: readonly string[] = Object.keys(answers)

/** @param url one of `recordPaths`, with `?from=` milliseconds since 1970 (else everything) and `?limit=`. */
export async function answerRecords(
  url: URL,
  records: Records,
): Promise<{ status: number; type: 'json'; body: unknown }> {
  const answer = answers[url.pathname]!
  const fromMs = Number(url.searchParams.get('from') ?? 0)
  const limit = Number(url.searchParams.get('limit') ?? entriesMax)
  const isTime = Number.isFinite(fromMs) && Math.abs(fromMs) <= 8.64e15
  if (!isTime || !(limit >= 1))
    return { status: 400, type: 'json', body: { error: 'from: milliseconds since 1970; limit: 1 or more' } }
  const max = Math.min(Math.floor(limit), entriesMax)
  return { status: 200, type: 'json', body: await answer(records, { fromMs: Math.max(0, fromMs), max }) }
}
