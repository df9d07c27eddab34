/** What Gateway API asks of routes of every kind beyond the form of their fields. */
import { isIP } from 'node:net'
import type { HTTPMatch, ParentRef } from './gateway.ts'
import type { FieldPath, RuleCheck } from './rule-check.ts'
import { hostnamePattern } from './text-form.ts'

/** All rules of a route together (HTTPRouteSpec and GRPCRouteSpec, `rules`). */
const matchesMax = 128

/** No parent twice in the same way (CommonRouteSpec, `parentRefs`). */
export function checkParents(check: RuleCheck, parents: readonly ParentRef[], home: string | undefined): void {
  const seen = new Set<string>()
  parents.forEach((parent, index) => {
    const { group = 'gateway.networking.k8s.io', kind = 'Gateway', name, port, sectionName } = parent
    const namespace = parent.namespace ?? home ?? 'default'
    const key = JSON.stringify([group, kind, namespace, name, port ?? 0, sectionName ?? ''])
    if (seen.has(key))
      check.add(
        'duplicate-name',
        ['spec', 'parentRefs', index],
        `${kind} ${name} is named twice in the same way`,
        'remove one of the two, or tell them apart by port',
      )
    seen.add(key)
  })
}

export function checkHostnames(check: RuleCheck, hostnames: readonly string[]): void {
  hostnames.forEach((host, index) => {
    if (!hostnamePattern.test(host) || isIP(host) !== 0)
      check.add(
        'bad-hostname',
        ['spec', 'hostnames', index],
        `${JSON.stringify(host)} is no host name`,
        'write a DNS name in lower case, without port, perhaps with *. in front',
      )
  })
}

interface RuleWithMatches {
  name?: string
  matches?: readonly unknown[]
}

/** Names of their own, and not too many matches together. */
export function checkRules(check: RuleCheck, rules: readonly RuleWithMatches[], kind: string): void {
  check.unique(
    rules.map(({ name }) => name),
    (index) => ['spec', 'rules', index, 'name'],
    'the name',
  )
  const matches = rules.reduce((sum, rule) => sum + (rule.matches?.length ?? 1), 0)
  if (matches > matchesMax)
    check.add(
      'out-of-range',
      ['spec', 'rules'],
      `the rules have ${matches} matches together`,
      `write at most ${matchesMax}; put the rest into another ${kind}`,
    )
}

export function checkHeaderMatches(
  check: RuleCheck,
  headers: NonNullable<HTTPMatch['headers']>,
  path: FieldPath,
): void {
  for (const [index, { name, type, value }] of headers.entries()) {
    check.headerName([...path, index, 'name'], name)
    if (type === 'RegularExpression') check.regex([...path, index, 'value'], value)
    else check.headerValue([...path, index, 'value'], value)
  }
  check.unique(
    headers.map(({ name }) => name.toLowerCase()),
    (index) => [...path, index, 'name'],
    'the header',
  )
}
