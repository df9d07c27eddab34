/** What `weft ca` tells of the authority. */
import type { AuthorityReport } from '#/control/identity/identity-plane.ts'
import type { Surroundings } from '../command.ts'
import { type Colors, colorsFor } from '../output/color.ts'
import { formatTable } from '../output/table.ts'

const phaseWords: Record<AuthorityReport['phase'], string> = {
  stable: 'no rotation is under way',
  spreading: 'the next root is being made known; the old one signs',
  signing: 'the next root signs; the old one is trusted still',
  withdrawing: 'the old root is being withdrawn',
  plugged: 'the roots are plugged in; their owner rotates them',
}

export function authorityText(report: AuthorityReport, { output }: Surroundings): string {
  const colors = colorsFor(output)
  const { trustDomain, phase, sequence, issued, roots, unacknowledged, oldLeaves } = report
  const columns = [
    { title: 'ROOT', cell: ({ name }: AuthorityReport['roots'][number]) => name },
    { title: 'SIGNS', cell: ({ isSigning }: AuthorityReport['roots'][number]) => (isSigning ? 'yes' : 'no') },
    { title: 'EXPIRES', cell: ({ expires }: AuthorityReport['roots'][number]) => expires.slice(0, 10) },
  ]
  return [
    `${colors.bold(trustDomain)}: ${phaseWords[phase]} (bundle ${sequence}, ${issued} certificates issued since the start)\n\n`,
    formatTable(columns, roots, colors.bold),
    waitingText('have yet to acknowledge the roots', unacknowledged, colors),
    phase === 'signing' ? waitingText('still show a leaf of the old root', oldLeaves, colors) : '',
  ].join('')
}

function waitingText(what: string, nodes: readonly string[], colors: Colors): string {
  return nodes.length === 0 ? '' : `\n${colors.yellow(`${nodes.length} ${what}:`)} ${nodes.join(', ')}\n`
}
