/** `weft version` */
import { type Command, outputOption } from '../command.ts'
import { printData } from '../output/data.ts'
import { packageVersion } from '../package-version.ts'

export const versionCommand: Command = {
  name: 'version',
  summary: 'print the version of Weft and of the Node it runs on',
  arguments: [],
  options: [outputOption],
  examples: [
    { line: 'weft version', does: 'the version, for people' },
    { line: 'weft version -o json', does: 'the same for a program' },
  ],
  async run(invocation, surroundings) {
    const data = {
      version: packageVersion(),
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    }
    const table = (): string => `weft ${data.version} (Node ${data.node}, ${data.platform})\n`
    printData(data, { invocation, surroundings, table })
    return 0
  },
}
