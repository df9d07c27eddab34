/** The user's rule that something comes from, as facts of Weft's metadata. */
import type { RuleRef } from '#/model/object-ref.ts'

export function ruleFacts(rule: RuleRef | undefined): Record<string, string | number | undefined> {
  return {
    kind: rule?.kind,
    namespace: rule?.namespace,
    name: rule?.name,
    rule: rule?.rule,
    rule_name: rule?.ruleName,
  }
}
