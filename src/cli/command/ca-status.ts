/** `weft ca status` */
import type { AuthorityReport } from '#/control/identity/identity-plane.ts'
import { type Command, controlOption, outputOption } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { printData } from '../output/data.ts'
import { authorityText } from './ca-report.ts'

export const caStatusCommand: Command = {
  name: 'ca status',
  summary: 'show the roots of the mesh, and where their rotation stands',
  arguments: [],
  options: [outputOption, controlOption],
  examples: [
    { line: 'weft ca status', does: 'roots, which of them signs, and whom a rotation waits for' },
    { line: 'weft ca status -o json', does: 'the same for a program' },
  ],
  async run(invocation, surroundings) {
    const report = await controlClient(invocation, surroundings).get<AuthorityReport>('/api/v1/authority')
    printData(report, { invocation, surroundings, table: () => authorityText(report, surroundings) })
    return 0
  },
}
