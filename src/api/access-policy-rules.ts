/** What no field of an AccessPolicy can say by its form: texts that would match nothing, or not what they seem to, and contradictions. */
import { isIP } from 'node:net'
import type { AccessOperation, AccessPolicy, AccessPolicyRule, AccessSource } from './access-policy.ts'
import { parseWhen, WhenError } from './access-policy-when.ts'
import { checkPolicyTargets } from './policy-target.ts'
import { type FieldPath, RuleCheck, type RuleFault } from './rule-check.ts'
import { headerToken } from './text-form.ts'

export function accessPolicyFaults(policy: AccessPolicy): RuleFault[] {
  const check = new RuleCheck()
  const { action = 'Allow', rules = [] } = policy.spec
  checkPolicyTargets(check, policy, ['Mesh', 'Namespace', 'Service', 'HTTPRoute', 'GRPCRoute'])
  if (rules.length === 0 && action !== 'Allow')
    check.add(
      'contradiction',
      ['spec', 'rules'],
      `a policy that would ${action === 'Deny' ? 'deny' : 'audit'} has no rules, and so does nothing`,
      'write rules: [{}] to mean every request, or remove the policy',
    )
  rules.forEach((rule, index) => {
    checkRule(check, rule, ['spec', 'rules', index])
  })
  return check.faults
}

function checkRule(check: RuleCheck, { from = [], to = [], when }: AccessPolicyRule, path: FieldPath): void {
  if (when !== undefined) checkWhen(check, when, [...path, 'when'])
  from.forEach((source, index) => {
    checkSource(check, source, [...path, 'from', index])
  })
  to.forEach((operation, index) => {
    checkOperation(check, operation, [...path, 'to', index])
  })
}

function checkWhen(check: RuleCheck, when: string, path: FieldPath): void {
  try {
    parseWhen(when)
  } catch (error) {
    if (!(error instanceof WhenError)) throw error
    check.add('bad-expression', path, `at character ${error.at + 1}: ${error.message}`, error.cure)
  }
}

/** What is asked for and excluded by the same words can never hold. */
function checkTwins(check: RuleCheck, fields: Readonly<Record<string, unknown>>, path: FieldPath): void {
  if (Object.keys(fields).length === 0)
    check.add('missing-field', path, 'an entry without fields matches everything', 'remove it, or name what it is for')
  for (const [name, value] of Object.entries(fields)) {
    const twin = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`
    const excluded = fields[twin]
    if (!Array.isArray(value) || !Array.isArray(excluded)) continue
    const words = new Set(excluded.map((entry) => JSON.stringify(entry)))
    if (value.every((entry) => words.has(JSON.stringify(entry))))
      check.add(
        'contradiction',
        [...path, twin],
        `${twin} excludes all that ${name} asks for, so that the rule never matches`,
        `remove one of the two`,
      )
  }
}

function checkSource(check: RuleCheck, source: AccessSource, path: FieldPath): void {
  checkTwins(check, source, path)
  for (const field of ['serviceAccounts', 'notServiceAccounts'] as const)
    each(source[field], (text, index) => checkServiceAccount(check, text, [...path, field, index]))
  for (const field of ['trustDomains', 'notTrustDomains'] as const)
    each(source[field], (text, index) => {
      if (/^[a-z0-9._-]{1,255}$/.test(text)) return
      const cure = 'write it as it stands in ids: small letters, digits, dots, dashes, without spiffe:// or a path'
      check.add('wrong-format', [...path, field, index], `${text} is no trust domain (SPIFFE-ID, section 2.1)`, cure)
    })
  for (const field of ['ipBlocks', 'notIpBlocks'] as const)
    each(source[field], (text, index) => {
      if (readIpBlock(text)) return
      check.add(
        'bad-address',
        [...path, field, index],
        `${text} is no block of addresses`,
        'write 10.1.0.0/16 or fd00::/8',
      )
    })
}

function checkServiceAccount(check: RuleCheck, text: string, path: FieldPath): void {
  if (/^(\*|([a-z0-9-]+\/)?([a-z0-9.-]+|\*))$/.test(text)) return
  const id = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(text)
  check.add(
    'wrong-format',
    path,
    `${text} is no service account`,
    id ? `write ${id[2]}/${id[3]}, and ${id[1]} under trustDomains` : 'write NAMESPACE/NAME, NAMESPACE/* or *',
  )
}

function checkOperation(check: RuleCheck, operation: AccessOperation, path: FieldPath): void {
  checkTwins(check, operation, path)
  for (const field of ['methods', 'notMethods'] as const)
    each(operation[field], (text, index) => checkMethod(check, text, [...path, field, index]))
  for (const field of ['paths', 'notPaths'] as const)
    each(operation[field], (text, index) => checkPath(check, text, [...path, field, index]))
  for (const field of ['hosts', 'notHosts'] as const)
    each(operation[field], (text, index) => {
      if (/^(\*\.)?[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/.test(text)) return
      const cure = 'write shop.example, *.shop.example or shop.example:8080'
      check.add('bad-hostname', [...path, field, index], `${text} is no host`, cure)
    })
  for (const field of ['headers', 'notHeaders'] as const)
    each(operation[field], ({ name, values }, index) => {
      const at = [...path, field, index]
      checkHeaderName(check, name, [...at, 'name'])
      each(values, (value, number) => check.headerValue([...at, 'values', number], value))
    })
  for (const field of ['grpc', 'notGrpc'] as const)
    each(operation[field], ({ service, methods }, index) => {
      const at = [...path, field, index]
      if (!/^[A-Za-z_][\w.]*$/.test(service))
        check.add('bad-method', [...at, 'service'], `${service} is no gRPC service`, 'write package.Service')
      each(methods, (method, number) => {
        if (/^[A-Za-z_]\w*$/.test(method)) return
        check.add('bad-method', [...at, 'methods', number], `${method} is no gRPC method`, 'write the name alone')
      })
    })
  if (operation.grpc && (operation.paths || operation.methods))
    check.add(
      'contradiction',
      [...path, 'grpc'],
      'gRPC methods have paths and a method of their own',
      'write paths and methods into another entry of `to`',
    )
}

/** Names that the codec takes out, or that rules have fields for. */
const fieldOf: Readonly<Record<string, string>> = {
  host: 'hosts',
  ':authority': 'hosts',
  ':method': 'methods',
  ':path': 'paths',
}

function checkHeaderName(check: RuleCheck, name: string, path: FieldPath): void {
  const field = fieldOf[name.toLowerCase()]
  if (field) check.add('bad-header-name', path, `${name} is asked for by ${field}`, `write ${field} in its place`)
  else check.headerName(path, name)
}

function checkMethod(check: RuleCheck, text: string, path: FieldPath): void {
  if (!headerToken.test(text))
    check.add('wrong-format', path, `${text} is no method of HTTP`, 'write GET, POST, or any other token')
  else if (text !== text.toUpperCase())
    check.add(
      'wrong-value',
      path,
      `methods count case (RFC 9110, section 9.1), and nobody sends ${text}`,
      `write ${text.toUpperCase()}`,
    )
}

function checkPath(check: RuleCheck, text: string, path: FieldPath): void {
  const problem = pathProblem(text)
  if (problem) check.add('bad-path', path, `${text} ${problem[0]}`, problem[1])
}

/** @returns what is wrong, and what to do. */
function pathProblem(text: string): readonly [string, string] | undefined {
  const segments = text.split('/').slice(1)
  if (!text.startsWith('/')) return ['does not begin with a slash', `write /${text}`]
  if (text.includes('?')) return ['holds a query, which rules do not see', `write ${text.slice(0, text.indexOf('?'))}`]
  if (text.includes('#')) return ['holds a fragment, which is never sent', 'write the part before #']
  if (text.includes('//')) return ['holds //, which is made / before rules see it', 'write one slash']
  if (text.includes(';')) return ['holds a parameter; such paths are refused where rules look at paths', 'remove it']
  if (/%2f|%5c|\\/i.test(text)) return ['holds a slash that is escaped; such paths are refused', 'write a plain slash']
  if (/%(?![0-9a-f]{2})/i.test(text)) return ['holds a % that begins no octet', 'write %25 for a percent sign']
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return ['holds a dot segment, which is resolved before rules see it', 'write the path that it leads to']
  const odd = segments.find((segment, index) => !isPart(segment, index === segments.length - 1))
  if (odd === undefined) return undefined
  const [before = ''] = odd.split('*')
  return odd.endsWith('*') && before !== ''
    ? [
        `holds ${odd}: a star stands for a whole segment`,
        `write ${text.slice(0, text.length - odd.length)}${before}/** or list the paths`,
      ]
    : [`holds ${odd}, which is no segment of a template`, 'write *, {name}, or ** at the end']
}

function isPart(segment: string, isLast: boolean): boolean {
  if (segment === '**') return isLast
  return segment === '*' || /^\{[^*{}]+\}$/.test(segment) || !/[*{}]/.test(segment)
}

function each<T>(list: readonly T[] | undefined, visit: (entry: T, index: number) => void): void {
  for (const [index, entry] of list?.entries() ?? []) visit(entry, index)
}

/** @returns undefined when it is none. An address alone is a block of one. */
export function readIpBlock(text: string): { address: string; prefixBits: number } | undefined {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  const bitsMax = family === 4 ? 32 : 128
  if (family === 0 || more.length > 0 || address.includes('%')) return undefined
  if (bits === undefined) return { address, prefixBits: bitsMax }
  return /^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax ? { address, prefixBits: Number(bits) } : undefined
}
