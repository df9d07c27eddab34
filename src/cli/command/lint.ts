/** `weft lint` */
import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { Fault } from '#/control/source/resources.ts'
import { type Command, CommandError, type Invocation, outputOption, type Surroundings } from '../command.ts'
import { printData } from '../output/data.ts'
import { formatFault } from '../output/fault.ts'

export const lintCommand: Command = {
  name: 'lint',
  summary: 'check YAML, and say what is wrong, where, and how to mend it',
  details:
    'Reads the files as `weft up` and the control plane do, and finds what they would find: syntax, unknown fields, wrong values, references to what is not there, rules that can never match.',
  arguments: [{ name: 'path', summary: 'files, or folders with all that is in them', isMany: true, completes: 'file' }],
  options: [outputOption, { name: 'strict', summary: 'warnings count as faults too' }],
  examples: [
    { line: 'weft lint examples/shop', does: 'checks every YAML file of a folder' },
    { line: 'weft lint --strict -o json routes.yaml services.yaml', does: 'one outcome for a CI, warnings included' },
  ],
  async run(invocation, surroundings) {
    const faults = await findFaults(invocation.arguments('path'), surroundings.folder)
    printData(faults, { invocation, surroundings, table: () => describe(faults, surroundings) })
    return faults.some((fault) => isCounted(fault, invocation)) ? 1 : 0
  },
}

async function findFaults(paths: readonly string[], folder: string): Promise<Fault[]> {
  const places = paths.map((path) => resolve(folder, path))
  const missing = paths.filter((_, i) => !existsSync(places[i]!))
  if (missing.length > 0) throw new CommandError(2, `there is no ${missing.join(', ')}`)
  const { readOnce } = await import('#/control/source/file-source.ts')
  const { translate } = await import('#/control/translate/translate.ts')
  const { resources, faults } = readOnce(places)
  const all = [...faults, ...translate(resources).faults]
  return all
    .map((fault) => ({ ...fault, origin: { ...fault.origin, file: shortPath(fault.origin.file, folder) } }))
    .sort(byPlace)
}

function isCounted({ severity }: Fault, invocation: Invocation): boolean {
  return severity === 'error' || invocation.has('strict')
}

function describe(faults: readonly Fault[], { output }: Surroundings): string {
  const errors = faults.filter(({ severity }) => severity === 'error').length
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`
  const summary = `${count(errors, 'error')}, ${count(faults.length - errors, 'warning')}\n`
  return faults.map((fault) => `${formatFault(fault, output)}\n`).join('') + summary
}

/** Relative where that is shorter. */
function shortPath(file: string, folder: string): string {
  const path = relative(folder, resolve(folder, file))
  return path.startsWith('../../') ? file : path
}

function byPlace(a: Fault, b: Fault): number {
  const [one, other] = [a.origin, b.origin]
  if (one.file !== other.file) return one.file < other.file ? -1 : 1
  return one.line - other.line || one.column - other.column
}
