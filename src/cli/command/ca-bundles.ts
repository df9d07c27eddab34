/** `weft ca bundles` */
import type { AuthorityReport } from '#/control/identity/identity-plane.ts'
import type { FederationReport } from '#/identity/federation/federated-bundles.ts'
import { type Command, controlOption, outputOption } from '../command.ts'
import { controlClient } from '../control-client.ts'
import { colorsFor } from '../output/color.ts'
import { printData } from '../output/data.ts'
import { formatTable } from '../output/table.ts'

interface BundleRow {
  trustDomain: string
  sequence: number
  roots: number
  source: string
  fault: string
}

export const caBundlesCommand: Command = {
  name: 'ca bundles',
  summary: 'show the trust domains whose workloads are believed, and where their roots come from',
  details:
    'Our own, and those that the control plane federates with (`--federate`). Exits with 1 while one of them could not be fetched: what is known of it stays in force.',
  arguments: [],
  options: [outputOption, controlOption],
  examples: [
    { line: 'weft ca bundles', does: 'each trust domain with its roots, its source and what is wrong with it' },
    { line: 'weft ca bundles -o json', does: 'the same for a program' },
  ],
  async run(invocation, surroundings) {
    const client = controlClient(invocation, surroundings)
    const own = await client.get<AuthorityReport>('/api/v1/authority')
    const others = await client.get<FederationReport[]>('/api/v1/authority/federation')
    const rows: BundleRow[] = [
      { trustDomain: own.trustDomain, sequence: own.sequence, roots: own.roots.length, source: 'our own', fault: '' },
      ...others.map(({ trustDomain, sequence, roots, url, profile, fault }) => ({
        trustDomain,
        sequence,
        roots,
        source: `${url} (${profile})`,
        fault,
      })),
    ]
    const table = (): string => formatTable(columns, rows, colorsFor(surroundings.output).bold)
    printData({ own, others }, { invocation, surroundings, table })
    return others.some(({ fault }) => fault !== '') ? 1 : 0
  },
}

const columns = [
  { title: 'TRUST DOMAIN', cell: ({ trustDomain }: BundleRow) => trustDomain },
  { title: 'SEQUENCE', cell: ({ sequence }: BundleRow) => String(sequence) },
  { title: 'ROOTS', cell: ({ roots }: BundleRow) => String(roots) },
  { title: 'FROM', cell: ({ source }: BundleRow) => source },
  { title: 'FAULT', cell: ({ fault }: BundleRow) => fault || '-' },
]
