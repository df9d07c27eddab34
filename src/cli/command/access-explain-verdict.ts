/** What a sidecar would decide, by the proxy's own rules of decision, and why. */
import { looksAtPaths } from '#/control/translate/access/condition.ts'
import { plainPaths } from '#/model/path-rules.ts'
import type { WorkloadPort } from '#/model/workload.ts'
import type { AccessTraceEntry } from '#/proxy/policy/access/access-table.ts'
import type { AccessQuestion } from '#/proxy/policy/access/condition.ts'
import { ListenerAccess } from '#/proxy/policy/access/listener-access.ts'
import { normalizePath } from '#/proxy/policy/path-normal.ts'
import type { ErrorCodeName } from '#/std/errors.ts'

type RequestHead = NonNullable<AccessQuestion['head']>

export interface AskedRequest {
  /** SPIFFE id; empty for a caller without an identity. */
  caller: string
  address: string
  /** Of its token; absent without one. */
  claims?: Readonly<Record<string, unknown>>
  /** Absent: a connection of bytes. */
  request?: { method: string; authority: string; path: string; headers: readonly string[] }
}

export interface Verdict {
  isAllowed: boolean
  /** Why not; empty when it is allowed. */
  code: ErrorCodeName | ''
  /** That decided; empty when none did. */
  rule: string
  auditedBy: string
  /** As rules see it; absent for a connection. */
  path?: string
  /** No policy speaks of the port. */
  isOpen: boolean
  trace: AccessTraceEntry[]
}

const refused = { isAllowed: false, rule: '', auditedBy: '', isOpen: false, trace: [] } as const

/** In the order of `src/proxy/inbound.ts`. */
export async function decide({ access, mutualTls, port }: WorkloadPort, asked: AskedRequest): Promise<Verdict> {
  const { caller, address, request, claims } = asked
  const path = request && access && looksAtPaths(access) ? normalizePath(request.path, plainPaths) : request?.path
  if (request && path === undefined) return { ...refused, trace: [], code: 'ambiguous_path' }
  const seen = path === undefined ? {} : { path }
  if (mutualTls === 'strict' && caller === '') return { ...refused, trace: [], code: 'mtls_required', ...seen }
  if (!access) return { isAllowed: true, code: '', rule: '', auditedBy: '', isOpen: true, trace: [], ...seen }
  const table = await compiled(access)
  const head = request && headOf(request, path ?? request.path)
  const question = { principals: caller === '' ? [] : [caller], address, port, claims, ...(head ? { head } : {}) }
  const trace: AccessTraceEntry[] = []
  const auditedBy = table.audit(question, trace)
  const { isAllowed, rule } = table.decide(question, trace)
  const code = isAllowed ? '' : rule === '' ? 'no_rule_allows' : 'access_denied'
  return { isAllowed, code, rule, auditedBy, isOpen: false, trace, ...seen }
}

function compiled(access: NonNullable<WorkloadPort['access']>): Promise<NonNullable<ListenerAccess['table']>> {
  return new Promise((resolve, reject) => {
    const holder = new ListenerAccess((fault) => {
      if (fault === '') resolve(holder.table!)
      else reject(new RangeError(fault))
    })
    holder.set(access)
    if (holder.isSettled) resolve(holder.table!)
  })
}

function headOf({ method, authority, headers }: NonNullable<AskedRequest['request']>, path: string): RequestHead {
  return {
    method,
    scheme: 'http',
    authority,
    path,
    headers: [...headers],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
  }
}

/** Rules that would have allowed it, or saved it, if one thing were otherwise. */
export function nearMisses({ trace, isAllowed }: Verdict): AccessTraceEntry[] {
  if (isAllowed) return []
  return trace.filter(({ action, isMatch, misses }) => action === 'allow' && !isMatch && misses.length === 1)
}
