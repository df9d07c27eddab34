/** `weft access generate` */
import { stringify } from 'yaml'
import type { AccessPolicy } from '#/api/access-policy.ts'
import type { WrittenPolicy } from '#/control/api/record-pages.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { systemClock } from '#/std/clock.ts'
import { type Command, CommandError, controlOption } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { formatDiff } from '../output/line-diff.ts'
import { formatSpan, readSince, sinceOption } from '../since.ts'
import { type LeftOut, policiesFromTraffic, type SeenPolicies } from './access-generate-policy.ts'
import { trustDomainOf } from './access-trust-domain.ts'

export const accessGenerateCommand: Command = {
  name: 'access generate',
  summary: 'write the AccessPolicies that allow exactly the traffic seen',
  details:
    'One policy for each application that was called. What was denied is not in it, nor what nobody has proven: such traffic is named in comments. Look at it before you apply it: what happens once a month has not been seen in an hour. With --diff the exit code is 1 when it differs from the policies that are in force.',
  arguments: [],
  options: [
    sinceOption('24h'),
    { name: 'namespace', short: 'n', value: 'NAME', summary: 'only for workloads of this namespace' },
    { name: 'with-addresses', summary: 'allow callers that have not proven who they are by their address' },
    { name: 'diff', summary: 'show what changes against the present policies for the same workloads' },
    {
      name: 'output',
      short: 'o',
      value: 'FORMAT',
      choices: ['yaml', 'json'],
      default: 'yaml',
      summary: 'YAML to save and apply, or JSON for programs',
    },
    controlOption,
  ],
  examples: [
    { line: 'weft access generate -n shop --since 10m', does: 'policies for one namespace, to be sent into a file' },
    { line: 'weft access generate -n shop --diff', does: 'what the policies in force lack, or allow for nobody' },
  ],
  async run(invocation, surroundings) {
    const client = controlClient(invocation, surroundings)
    const fromMs = readSince(invocation.option('since')!, systemClock.wallMs())
    const traffic = await client.get<MeshTraffic>(`/api/v1/traffic?from=${fromMs}`)
    const { workloads } = await client.get<{ workloads: Workload[] }>('/api/v1/mesh')
    const namespace = invocation.option('namespace')
    const seen = policiesFromTraffic({
      workloads: workloads.filter((workload) => !namespace || workload.namespace === namespace),
      edges: traffic.edges,
      trustDomain: await trustDomainOf(client, traffic),
      withAddresses: invocation.has('with-addresses'),
    })
    if (seen.policies.length === 0)
      throw new CommandError(1, 'no traffic was seen for which a policy could be written', whyNone(seen))
    if (!invocation.has('diff')) {
      surroundings.output.write(
        invocation.option('output') === 'json' ? `${JSON.stringify(seen, null, 2)}\n` : formatPolicies(seen, traffic),
      )
      return 0
    }
    const diff = diffPolicies(await client.get<WrittenPolicy[]>('/api/v1/policies'), seen.policies)
    surroundings.output.write(diff || 'The policies in force allow exactly this.\n')
    return diff === '' ? 0 : 1
  },
}

function whyNone({ leftOut }: SeenPolicies): string {
  const [first] = leftOut
  if (!first) return 'Look further back with --since, or let traffic flow.'
  return `What was seen was left out: ${first.who} called ${first.workload} (${first.what}): ${first.why}.`
}

const leftOutMax = 20

function formatPolicies({ policies, leftOut }: SeenPolicies, { fromMs, sinceMs, nowMs }: MeshTraffic): string {
  const span = formatSpan(nowMs - Math.max(fromMs, sinceMs)) || '1 s'
  const head = `# What was called within ${span} until ${new Date(nowMs).toISOString()}; written by weft access generate.\n`
  const documents = policies.map((policy) => stringify(policy, { lineWidth: 0 }))
  return head + documents.join('---\n') + formatLeftOut(leftOut)
}

function formatLeftOut(leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) return ''
  const lines = leftOut
    .slice(0, leftOutMax)
    .map(
      ({ workload, port, who, what, count, why }) =>
        `#   ${who} > ${workload}:${port} ${what} (${count} times): ${why}\n`,
    )
  const more = leftOut.length > leftOutMax ? `#   and ${leftOut.length - leftOutMax} more\n` : ''
  return `\n# Not allowed by these policies:\n${lines.join('')}${more}`
}

/** Policies of one name are compared; else those for the same workloads. Of the present ones only Allows stand against it. */
function diffPolicies(present: readonly WrittenPolicy[], wanted: readonly AccessPolicy[]): string {
  return wanted
    .map((policy) => {
      const name = `${policy.metadata.namespace}/${policy.metadata.name}`
      const before =
        present.find(({ value }) => nameOf(value) === name) ?? present.find(({ value }) => isSameTarget(value, policy))
      const text = before ? stringify(essence(before.value), { lineWidth: 0 }) : ''
      const names = { before: before ? `${before.file} (${nameOf(before.value)})` : '(none)', after: name }
      return formatDiff(text, stringify(essence(policy), { lineWidth: 0 }), names)
    })
    .join('')
}

function nameOf({ metadata: { namespace = 'default', name } }: AccessPolicy): string {
  return `${namespace}/${name}`
}

function isSameTarget(a: AccessPolicy, b: AccessPolicy): boolean {
  const targetOf = ({ metadata, spec }: AccessPolicy): string =>
    JSON.stringify([metadata.namespace ?? 'default', spec.action ?? 'Allow', spec.selector, spec.targetRefs])
  return targetOf(a) === targetOf(b)
}

/** What is decided by, in one order. */
function essence({ spec: { selector, targetRefs, action = 'Allow', rules = [] } }: AccessPolicy): unknown {
  return { ...(selector ? { selector } : {}), ...(targetRefs ? { targetRefs } : {}), action, rules }
}
