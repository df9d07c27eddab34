/** Whether what is asked for may be done, by who asks (docs/decisions/0013-access.md). */
import type { RequestHead } from '#/codec/message.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import type { AccessQuestion } from '#/proxy/policy/access/condition.ts'
import { normalizePath } from '#/proxy/policy/path-normal.ts'

/** What is compared is what the application gets. `*` of OPTIONS and the empty path of CONNECT are none. */
export function makePathPlain(exchange: Exchange): StepOutcome {
  const { paths } = exchange.entrance.listener.listener
  const { head } = exchange
  if (paths === undefined || head.path.charCodeAt(0) !== 0x2f) return 'next'
  const plain = normalizePath(head.path, paths)
  if (plain === undefined) {
    exchange.fail('ambiguous_path', 'the path holds an escaped slash, a backslash or a broken escape')
    return 'taken'
  }
  head.path = plain
  return 'next'
}

const nobody: readonly string[] = []

/** One for all: filled and asked within one call. */
const question: AccessQuestion & { head: RequestHead | undefined } = {
  principals: nobody,
  address: '',
  port: 0,
  claims: undefined,
  head: undefined,
}

/** After it is known who calls and what a token says of them. */
export function requireAccess(exchange: Exchange): StepOutcome {
  const { listener, tls, original } = exchange.entrance
  const table = listener.access
  if (!table) return 'next'
  const { record } = exchange
  question.principals = tls?.clientNames ?? nobody
  question.address = record.remoteAddress
  question.port = original?.port ?? 0
  question.claims = exchange.claims
  question.head = exchange.head
  record.auditedBy = table.audit(question)
  const decision = table.decide(question)
  question.claims = undefined
  question.head = undefined
  if (decision.isAllowed) return 'next'
  record.deniedBy = decision.rule
  if (decision.rule === '') exchange.fail('no_rule_allows', 'no rule of the policies here allows it')
  else exchange.fail('access_denied', `${decision.rule} denies it`)
  return 'taken'
}
