/** `weft completion` */
import type { Command } from '../command.ts'
import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { placesOf } from '../completion/place.ts'
import { zshCompletion } from '../completion/zsh.ts'

const shells = ['bash', 'zsh', 'fish'] as const

export const completionCommand: Command = {
  name: 'completion',
  summary: 'print the script by which a shell completes `weft`',
  details:
    'bash: add `source <(weft completion bash)` to ~/.bashrc. zsh: `source <(weft completion zsh)` in ~/.zshrc. fish: `weft completion fish | source` in ~/.config/fish/config.fish.',
  arguments: [{ name: 'shell', summary: 'the shell', choices: shells }],
  options: [],
  examples: [
    { line: 'weft completion bash', does: 'for bash' },
    { line: 'weft completion zsh', does: 'for zsh' },
    { line: 'weft completion fish', does: 'for fish' },
  ],
  async run(invocation, { output }) {
    // Imported late: the table of commands holds this file.
    const { commands, groups } = await import('../commands.ts')
    const places = placesOf(commands, groups)
    const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }
    output.write(scripts[invocation.argument('shell') as (typeof shells)[number]](places))
    return 0
  },
}
