/** `weft ca rotate` */
import type { AuthorityReport } from '#/control/identity/identity-plane.ts'
import { systemClock as clock } from '#/std/clock.ts'
import { type Command, CommandError, controlOption, type ExitCode, outputOption } from '../command.ts'
import { type ControlClient, controlClient } from '../control-client.ts'
import { printData } from '../output/data.ts'
import { authorityText } from './ca-report.ts'

/** Between two tries of a step, ms. */
const pollMs = 500
const waitDefaultSeconds = 300

type Step = 'begin' | 'advance' | 'abort'

export const caRotateCommand: Command = {
  name: 'ca rotate',
  summary: 'replace the root of the mesh, with nothing restarted and no connection cut',
  details:
    'Three steps: the next root is trusted everywhere, then signs, then the old one is withdrawn. Each waits until every connected proxy has acknowledged the one before; the last also until no proxy shows a leaf of the old root. A command that ends early changes nothing about what was reached: give it again to go on.',
  arguments: [],
  options: [
    { name: 'step', summary: 'take one step and end, in place of all of them' },
    { name: 'abort', summary: 'forget the next root, which is possible until it signs' },
    {
      name: 'wait',
      value: 'SECONDS',
      default: String(waitDefaultSeconds),
      summary: 'how long to wait for the proxies, at each step',
    },
    outputOption,
    controlOption,
  ],
  examples: [
    { line: 'weft ca rotate', does: 'all steps, waiting for the proxies in between' },
    { line: 'weft ca rotate --step', does: 'the next step alone' },
    { line: 'weft ca rotate --abort', does: 'back to the old root alone' },
  ],
  async run(invocation, surroundings): Promise<ExitCode> {
    const waitSeconds = Number(invocation.option('wait') ?? waitDefaultSeconds)
    if (!(waitSeconds >= 0)) throw new CommandError(2, '--wait: expected a number of seconds')
    const client = controlClient(invocation, surroundings)
    const take = (step: Step): Promise<AuthorityReport> =>
      stepWhenReady(client, step, waitSeconds * 1000, (line) => surroundings.errors.write(`${line}\n`))
    const { phase } = await client.get<AuthorityReport>('/api/v1/authority')
    let report: AuthorityReport
    if (invocation.has('abort')) report = await take('abort')
    else {
      report = await take(phase === 'stable' ? 'begin' : 'advance')
      while (!invocation.has('step') && report.phase !== 'stable') report = await take('advance')
    }
    printData(report, { invocation, surroundings, table: () => authorityText(report, surroundings) })
    return 0
  },
}

/** @throws CommandError 1 when the proxies are not as far after `waitMs`; the message names them. */
async function stepWhenReady(
  client: ControlClient,
  step: Step,
  waitMs: number,
  tell: (line: string) => void,
): Promise<AuthorityReport> {
  const endMs = clock.monotonicMs() + waitMs
  let told = ''
  for (;;) {
    const outcome = await client.post<AuthorityReport>(`/api/v1/authority/rotation/${step}`)
    if (outcome.ok) {
      tell(`${step}: ${outcome.value.phase}`)
      return outcome.value
    }
    if (step !== 'advance' || clock.monotonicMs() >= endMs) throw new CommandError(1, `${step}: ${outcome.reason}`)
    if (told !== outcome.reason) tell(`waiting: ${outcome.reason}`)
    told = outcome.reason
    await new Promise<void>((resolve) => clock.after(pollMs, resolve))
  }
}
