/** `weft access test` */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Command, CommandError, outputOption } from '../command.ts'
import { printData } from '../output/data.ts'
import { callerOf } from './access-explain.ts'
import { findCalled, type OfflineMesh, readMesh } from './access-explain-mesh.ts'
import { decide, nearMisses, type Verdict } from './access-explain-verdict.ts'
import { type AccessTestCall, type AccessTestFile, readAccessTests } from './access-test-file.ts'

export const accessTestCommand: Command = {
  name: 'access test',
  summary: 'check what YAML allows and denies against a file of expectations, for a CI',
  details:
    'The file names YAML (`files`) and calls (`tests`), each with `from`, `to`, `request`, and `expect: allowed` or `denied`. Nothing has to run. The exit code is 1 when one is not as expected.',
  arguments: [{ name: 'file', summary: 'YAML with the expectations', isMany: true, completes: 'file' }],
  options: [outputOption],
  examples: [
    { line: 'weft access test access-test.yaml', does: 'says what differs, with the rule that decided' },
    { line: 'weft access test -o json access-test.yaml', does: 'every outcome, for a program' },
  ],
  async run(invocation, surroundings) {
    const outcomes: Outcome[] = []
    for (const name of invocation.arguments('file')) {
      const path = resolve(surroundings.folder, name)
      if (!existsSync(path)) throw new CommandError(2, `there is no ${name}`)
      outcomes.push(...(await runFile(path, name)))
    }
    const failed = outcomes.filter(({ isAsExpected }) => !isAsExpected)
    const table = (): string =>
      `${failed.map(describe).join('')}${outcomes.length - failed.length} of ${outcomes.length} as expected\n`
    printData(outcomes, { invocation, surroundings, table })
    return failed.length === 0 ? 0 : 1
  },
}

interface Outcome {
  name: string
  call: AccessTestCall
  isAsExpected: boolean
  /** One a workload behind the Service. */
  verdicts: Verdict[]
  /** Why it could not be asked; empty when it could. */
  problem: string
}

async function runFile(path: string, name: string): Promise<Outcome[]> {
  const file = orUsage(name, () => readAccessTests(readFileSync(path, 'utf8')))
  const paths = file.files.map((one) => resolve(dirname(path), one))
  for (const one of paths) if (!existsSync(one)) throw new CommandError(2, `${name}: there is no ${one}`)
  const mesh = await readMesh(paths, trustDomainOf(file))
  return Promise.all(file.tests.map((call) => runCall(mesh, call)))
}

function orUsage<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(2, `${name} can't be read`, error.message)
    throw error
  }
}

function trustDomainOf({ trustDomain = 'cluster.local' }: AccessTestFile): string {
  return trustDomain
}

async function runCall(mesh: OfflineMesh, call: AccessTestCall): Promise<Outcome> {
  const { from, to, request, host = to, headers = {}, address = '127.0.0.1', claims, expect, rule, audited } = call
  const name = call.name ?? `${from ?? 'a caller without identity'} → ${to}: ${request ?? 'a connection'}`
  try {
    const [method = '', path = '/'] = request?.split(' ') ?? []
    const asked = {
      caller: callerOf(from, mesh.trustDomain),
      address,
      ...(claims ? { claims } : {}),
      ...(request
        ? {
            request: {
              method,
              authority: host,
              path,
              headers: Object.entries(headers).flatMap(([key, value]) => [key.toLowerCase(), value]),
            },
          }
        : {}),
    }
    const verdicts = await Promise.all(findCalled(mesh, to).map(({ port }) => decide(port, asked)))
    const isAsExpected = verdicts.every(
      (verdict) =>
        verdict.isAllowed === (expect === 'allowed') &&
        (rule === undefined || verdict.rule === rule) &&
        (audited === undefined || verdict.auditedBy === audited),
    )
    return { name, call, isAsExpected, verdicts, problem: '' }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { name, call, isAsExpected: false, verdicts: [], problem: error.message }
  }
}

function describe({ name, call, verdicts, problem }: Outcome): string {
  const lines = [`FAILED  ${name}`]
  if (problem !== '') lines.push(`  problem   ${problem}`)
  const wanted = [call.expect, call.rule && `by ${call.rule}`, call.audited && `audited by ${call.audited}`]
  lines.push(`  expected  ${wanted.filter(Boolean).join(', ')}`)
  for (const verdict of verdicts) {
    const { isAllowed, rule, code, auditedBy } = verdict
    const by = rule === '' ? code : `by ${rule}`
    const told = [isAllowed ? 'allowed' : 'denied', by, auditedBy && `audited by ${auditedBy}`]
    lines.push(`  was       ${told.filter(Boolean).join(', ')}`)
    for (const near of nearMisses(verdict))
      lines.push(`  nearly    ${near.rule}, but for its ${near.misses.join(', ')}`)
  }
  return `${lines.join('\n')}\n`
}
