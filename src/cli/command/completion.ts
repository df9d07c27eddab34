/** `weft completion` */
import { type Command, CommandError } from '../command.ts'

export const shells = ['bash', 'zsh', 'fish'] as const

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
    const { commands } = await import('../commands.ts')
    const { completionScripts } = await import('../completion/completion-script.ts')
    const shell = shells.find((one) => one === invocation.argument('shell'))
    if (!shell) throw new CommandError(2, `the shell is one of ${shells.join(', ')}`)
    output.write(completionScripts[shell](commands))
    return 0
  },
}
