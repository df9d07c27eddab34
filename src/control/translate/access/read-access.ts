/** AccessPolicies → the access rules of each port of each workload, widest policies first: mesh, namespace, workloads, Service, route. */
import type { AccessPolicy } from '#/api/access-policy.ts'
import { parseWhen } from '#/api/access-policy-when.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import { type AccessRule, type AccessRules, parametersRuleName } from '#/model/access.ts'
import type { ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import type { Workload } from '#/model/workload.ts'
import { compareText, faultOf } from '../fault.ts'
import { type AttachedPolicy, attachPolicies, targetsWorkload } from '../policy-target.ts'
import type { ReadRoutes } from '../route/read-routes.ts'
import { allOf, always, atPort, type Bias, isAny, isNone, looksAtPaths, notOf, oneOf } from './condition.ts'
import { permissionOf } from './operation.ts'
import { everything, type ReachedTarget, reachTarget, type Scope, unite } from './policy-scope.ts'
import { principalOf } from './source.ts'
import { type PolicyProblem, statusOf } from './status.ts'
import { type Alternative, alternativesMax, alternativesOf } from './when.ts'

export interface AccessInput {
  resources: Resources
  routes: Pick<ReadRoutes, 'read'>
  /** Absent where nobody has an identity: rules hold for addresses and requests alone. */
  trustDomain?: string
}

type Attached = AttachedPolicy<AccessPolicy> & { reached?: ReachedTarget }

/** One policy: its rules, compiled once, and where it is attached. */
interface CompiledPolicy {
  ref: ObjectRef
  action: 'Allow' | 'Deny' | 'Audit'
  rules: readonly AccessRule[]
  attached: readonly Attached[]
}

/** Without any a certificate's names are asked for all the same: nobody has one. */
const noTrustDomain = 'cluster.local'

export class AccessPolicies {
  readonly #policies: readonly CompiledPolicy[]
  readonly statuses: readonly ObjectStatus[]
  readonly faults: readonly Fault[]

  constructor({ resources, routes, trustDomain = noTrustDomain }: AccessInput) {
    const byPolicy = new Map<string, Attached[]>()
    // Most specific first; told and asked in the other order.
    for (const one of attachPolicies(resources.of('AccessPolicy').values()).reverse()) {
      const { target } = one
      const attached: Attached =
        target.type === 'object' ? { ...one, reached: reachTarget(target, { resources, routes }) } : one
      const key = formatObjectRef(one.ref)
      byPolicy.set(key, [...(byPolicy.get(key) ?? []), attached])
    }
    const faults: Fault[] = []
    const statuses: ObjectStatus[] = []
    this.#policies = [...byPolicy.values()].map((attached) => {
      const { ref, policy, sourced } = attached[0]!
      const compiled = compilePolicy(policy, { ref, trustDomain })
      const problems = problemsOf(attached, compiled.problems)
      for (const { finding } of problems) faults.push(faultOf(ref, sourced, finding))
      statuses.push(statusOf(ref, problems, attached.length))
      return { ref, action: policy.spec.action ?? 'Allow', rules: compiled.rules, attached }
    })
    this.faults = faults
    this.statuses = statuses.sort((a, b) => compareText(formatObjectRef(a.ref), formatObjectRef(b.ref)))
  }

  /** Workloads by node id, with what holds at their ports. */
  applyTo(workloads: ReadonlyMap<string, Workload>): Map<string, Workload> {
    if (this.#policies.length === 0) return new Map(workloads)
    return new Map([...workloads].map(([id, workload]) => [id, this.withAccess(workload)]))
  }

  /** The workload with what holds at its ports. */
  withAccess(workload: Workload): Workload {
    const rules = this.#rulesOf(workload)
    if (!rules) return workload
    const ports = workload.ports.map((port) => {
      if (port.transport === 'udp') return port
      const access = guarded(atPort(rules, port.port))
      return access ? { ...port, access } : port
    })
    const access = workload.isRedirected ? guarded(rules) : undefined
    return { ...workload, ports, ...(access ? { access } : {}) }
  }

  /** Conditions on ports still stand in them. */
  #rulesOf(workload: Workload): AccessRules | undefined {
    const deny: AccessRule[] = []
    const allow: AccessRule[] = []
    const audit: AccessRule[] = []
    const spokenOf: Scope[] = []
    for (const { action, rules, attached } of this.#policies) {
      const scopes = attached.flatMap((one) => scopeOf(one, workload) ?? [])
      if (scopes.length === 0) continue
      const scope = unite(scopes)
      if (action === 'Allow') {
        spokenOf.push(scope)
        allow.push(...within(rules, scope.least))
      } else (action === 'Deny' ? deny : audit).push(...within(rules, scope.most))
    }
    if (deny.length + audit.length + spokenOf.length === 0) return undefined
    if (spokenOf.length === 0) return { deny, audit }
    return { deny, allow: [...allow, ...elsewhere(spokenOf)], audit }
  }
}

function scopeOf({ target, reached }: Attached, workload: Workload): Scope | undefined {
  if (reached) return reached.scopeAt(workload)
  return targetsWorkload(target, workload) ? everything : undefined
}

function within(rules: readonly AccessRule[], scope: Scope['least']): AccessRule[] {
  return rules
    .map((rule) => ({ ...rule, permission: allOf([scope, rule.permission]) }))
    .filter(({ permission }) => !isNone(permission))
}

const elsewhereName = 'weft what no policy speaks of'

/** Of what no Allow speaks anybody may do it: at other ports, by other routes. */
function elsewhere(scopes: readonly Scope[]): AccessRule[] {
  const permission = notOf(oneOf(scopes.map(({ most }) => most)))
  return isNone(permission) ? [] : [{ name: elsewhereName, principal: always, permission }]
}

/**
 * An application may cut `;` and what follows off a segment before it looks at it, or not (RFC 3986, section 3.3): where paths decide,
 * such a path is refused.
 */
const parameters: AccessRule = {
  name: parametersRuleName,
  principal: always,
  permission: { type: 'path', match: { type: 'contains', value: ';' } },
}

/** @returns undefined when nothing is asked. */
function guarded(rules: AccessRules): AccessRules | undefined {
  const { deny, allow, audit } = rules
  const isOpen = allow?.some(({ name, permission }) => name === elsewhereName && isAny(permission)) ?? true
  const kept: AccessRules = { deny, ...(allow && !isOpen ? { allow } : {}), audit }
  if (deny.length === 0 && audit.length === 0 && !kept.allow) return undefined
  return looksAtPaths(kept) ? { ...kept, deny: [parameters, ...deny] } : kept
}

interface PolicyContext {
  ref: ObjectRef
  trustDomain: string
}

function compilePolicy(
  policy: AccessPolicy,
  { ref, trustDomain }: PolicyContext,
): { rules: AccessRule[]; problems: PolicyProblem[] } {
  const { action = 'Allow', rules = [] } = policy.spec
  const bias: Bias = action === 'Allow' ? 'least' : 'most'
  const scope = { namespace: ref.namespace, trustDomain, bias }
  const problems: PolicyProblem[] = []
  const compiled = rules.flatMap(({ from, to, when }, index): AccessRule[] => {
    const name = `${formatObjectRef(ref)} rule ${index}`
    const principal = principalOf(from, scope)
    const permission = permissionOf(to, bias)
    const alternatives = when === undefined ? [{ principal: always, permission: always }] : whenOf(when, bias)
    if (!alternatives) problems.push(tooMany(when!, index))
    const closed = bias === 'most' ? [{ principal: always, permission: always }] : []
    return (alternatives ?? closed).map((one, number) => ({
      name: number === 0 ? name : `${name} or ${number}`,
      principal: allOf([principal, one.principal]),
      permission: allOf([permission, one.permission]),
    }))
  })
  return { rules: compiled, problems }
}

/** The schema's rules have seen to it that it can be read. */
function whenOf(when: string, bias: Bias): Alternative[] | undefined {
  return alternativesOf(parseWhen(when), bias)
}

function tooMany(when: string, index: number): PolicyProblem {
  return {
    reason: 'ClosedRule',
    finding: {
      severity: 'warning',
      code: 'closed-rule',
      field: `spec.rules[${index}].when`,
      message: `\`${when}\` mixes who and what in more than ${alternativesMax} ways.`,
      cure: 'Say who by `from` and what by `to`, or write several rules.',
    },
  }
}

function problemsOf(attached: readonly Attached[], own: readonly PolicyProblem[]): PolicyProblem[] {
  const problems = [...own]
  for (const { target, reached } of attached) {
    if (target.type !== 'object' || !reached) continue
    const { problem, untold } = reached
    if (problem)
      problems.push({
        reason: problem.reason,
        finding: {
          code: 'dangling-target',
          field: `${target.field}.name`,
          message: problem.message,
          cure: 'Name what there is in the namespace of the policy.',
        },
      })
    if (untold.length > 0)
      problems.push({
        reason: 'ClosedRule',
        finding: {
          severity: 'warning',
          code: 'closed-rule',
          field: target.field,
          message: `Of the route's matches workloads can't see ${untold.join(', ')}: an Allow holds for none of those requests, a Deny for all of them.`,
          cure: 'Attach the policy to the Service, and name paths, methods and headers in its rules.',
        },
      })
  }
  return problems
}
