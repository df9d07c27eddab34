/** Which object of the user's a thing of the mesh comes from; carried to the proxy so that answers can name it. */

export interface ObjectRef {
  /** Kind without group, as users write it: `HTTPRoute`, `Service`. */
  kind: string
  namespace: string
  name: string
}

/** One rule of a route object. */
export interface RuleRef extends ObjectRef {
  /** Position in `spec.rules`, from 0. */
  rule: number
  /** The rule's own `name`, where the user gave one. */
  ruleName?: string
}

/** `HTTPRoute/shop/reviews`, as errors, logs and statuses spell it. */
export function formatObjectRef(ref: ObjectRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`
}

/** `HTTPRoute/shop/reviews rule 1`, or with the rule's name `HTTPRoute/shop/reviews rule 1 (canary)`. */
export function formatRuleRef(ref: RuleRef): string {
  return `${formatObjectRef(ref)} rule ${ref.rule}${ref.ruleName ? ` (${ref.ruleName})` : ''}`
}
