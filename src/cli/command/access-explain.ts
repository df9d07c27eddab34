/** `weft access explain` */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, CommandError, type Invocation, type OptionRow, outputOption } from '../command.ts'
import { printData } from '../output/data.ts'
import { findCalled, readMesh } from './access-explain-mesh.ts'
import { type AskedRequest, decide, nearMisses, type Verdict } from './access-explain-verdict.ts'

export const trustDomainOption: OptionRow = {
  name: 'trust-domain',
  value: 'NAME',
  default: 'cluster.local',
  summary: 'of the mesh, as it stands in identities',
}

export const accessExplainCommand: Command = {
  name: 'access explain',
  summary: 'say whether a call would be allowed, by which rule, and what nearly matched',
  details:
    'From YAML alone, by the code that decides in the sidecars: nothing has to run. The exit code is 0 for allowed, 1 for denied. Without METHOD and PATH it asks whether a connection of bytes may be made, as to a database.',
  arguments: [
    { name: 'method', summary: 'of the request: GET', isOptional: true },
    { name: 'path', summary: 'of the request: /orders/7', isOptional: true },
  ],
  options: [
    {
      name: 'from',
      value: 'NAMESPACE/ACCOUNT',
      summary: 'the service account that calls; without it a caller without identity',
    },
    { name: 'to', value: 'SERVICE.NAMESPACE[:PORT]', summary: 'the Service that is called' },
    {
      name: 'file',
      short: 'f',
      value: 'PATH',
      isMany: true,
      default: '.',
      summary: 'files or folders of YAML',
      completes: 'file',
    },
    {
      name: 'header',
      short: 'H',
      value: 'NAME:VALUE',
      isMany: true,
      summary: 'of the request; may be given several times',
    },
    { name: 'claim', value: 'NAME=VALUE', isMany: true, summary: 'of the token that the request brings' },
    { name: 'host', value: 'NAME', summary: 'that the request names; the Service unless given' },
    { name: 'address', value: 'IP', default: '127.0.0.1', summary: 'of the caller' },
    trustDomainOption,
    outputOption,
  ],
  examples: [
    {
      line: 'weft access explain --from shop/web --to orders.shop GET /orders/7',
      does: 'asks of the YAML in this folder',
    },
    {
      line: 'weft access explain -f shop --to orders.shop -H x-team:blue POST /orders',
      does: 'a caller without identity',
    },
    {
      line: 'weft access explain --from shop/orders --to db.shop:5432 -o json',
      does: 'a connection, the outcome for programs',
    },
  ],
  async run(invocation, surroundings) {
    const to = invocation.option('to')
    if (!to) throw new CommandError(2, 'what is called? Name it with --to SERVICE.NAMESPACE.')
    const paths = invocation.options('file').map((path) => resolve(surroundings.folder, path))
    for (const path of paths) if (!existsSync(path)) throw new CommandError(2, `there is no ${path}`)
    const mesh = await readMesh(paths, invocation.option('trust-domain')!)
    const asked = askedOf(invocation, to)
    const called = orUsage(() => findCalled(mesh, to))
    const verdicts = await Promise.all(
      called.map(async ({ workload, port }) => ({
        workload: `${workload.namespace}/${workload.workload}`,
        port: port.port,
        ...(await decide(port, asked)),
      })),
    )
    const told = verdicts.map((verdict) => ({ ...verdict, nearMisses: nearMisses(verdict) }))
    printData(told, { invocation, surroundings, table: () => told.map((one) => describe(one, asked, to)).join('\n') })
    return verdicts.every(({ isAllowed }) => isAllowed) ? 0 : 1
  },
}

function orUsage<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(2, error.message)
    throw error
  }
}

/** @throws RangeError when the text names no service account. */
export function callerOf(from: string | undefined, trustDomain: string): string {
  if (from === undefined || from === '') return ''
  const [namespace, account, ...more] = from.split('/')
  if (!namespace || !account || more.length > 0)
    throw new RangeError(`${from} is no service account: write NAMESPACE/NAME`)
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`
}

function askedOf(invocation: Invocation, to: string): AskedRequest {
  const method = invocation.argument('method')
  const path = invocation.argument('path') ?? '/'
  if (!path.startsWith('/')) throw new CommandError(2, `${path} is no path: it begins with a slash`)
  const headers = invocation.options('header').flatMap((text) => {
    const colon = text.indexOf(':')
    if (colon < 1) throw new CommandError(2, `${text} is no header: write NAME:VALUE`)
    return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()]
  })
  const authority = invocation.option('host') ?? to
  const claims = claimsOf(invocation.options('claim'))
  return {
    caller: orUsage(() => callerOf(invocation.option('from'), invocation.option('trust-domain')!)),
    address: invocation.option('address')!,
    ...(claims ? { claims } : {}),
    ...(method === undefined ? {} : { request: { method: method.toUpperCase(), authority, path, headers } }),
  }
}

/** `realm_access.roles=admin`; one that is given twice is a list. */
function claimsOf(texts: readonly string[]): Record<string, unknown> | undefined {
  const claims: Record<string, unknown> = {}
  for (const text of texts) {
    const equals = text.indexOf('=')
    if (equals < 1) throw new CommandError(2, `${text} is no claim: write NAME=VALUE`)
    const name = text.slice(0, equals)
    const path = name.includes('/') ? [name] : name.split('.')
    let place = claims
    for (const part of path.slice(0, -1)) place = (place[part] ??= {}) as Record<string, unknown>
    const last = path.at(-1)!
    const value = text.slice(equals + 1)
    place[last] = place[last] === undefined ? value : [place[last], value].flat()
  }
  return texts.length > 0 ? claims : undefined
}

type Told = Verdict & { workload: string; port: number; nearMisses: Verdict['trace'] }

function describe(told: Told, { caller, request }: AskedRequest, to: string): string {
  const what = request ? `${request.method} ${request.path}` : 'a connection'
  const lines = [`${told.isAllowed ? 'ALLOWED' : 'DENIED'}  ${caller || 'a caller without identity'} → ${to}: ${what}`]
  lines.push(`  at       ${told.workload}, port ${told.port}`)
  lines.push(`  because  ${reasonOf(told)}`)
  if (request && told.path !== undefined && told.path !== request.path)
    lines.push(`  path     ${told.path} as rules see it`)
  if (told.auditedBy !== '') lines.push(`  audited  ${told.auditedBy}`)
  for (const { rule, misses } of told.nearMisses)
    lines.push(`  nearly   ${rule} allows it, but for its ${misses.join(', ')}`)
  const others = told.isAllowed
    ? []
    : told.trace.filter(({ action, isMatch, misses }) => action === 'allow' && !isMatch && misses.length > 1)
  for (const { rule, misses } of others) lines.push(`  not      ${rule}: ${misses.join(', ')}`)
  return `${lines.join('\n')}\n`
}

function reasonOf({ isAllowed, isOpen, rule, code }: Told): string {
  if (isOpen) return 'no policy speaks of this port'
  if (code === 'mtls_required') return 'the port takes mutual TLS alone (mtls_required)'
  if (code === 'ambiguous_path') return 'the path can be read in two ways (ambiguous_path)'
  if (isAllowed) return rule === '' ? 'no rule denies it, and none has to allow it' : `${rule} allows it`
  return rule === '' ? 'no rule allows it (no_rule_allows)' : `${rule} denies it (access_denied)`
}
