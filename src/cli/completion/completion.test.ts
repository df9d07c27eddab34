import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../commands.ts'
import { runCli } from '../testing/run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-completion-'))
test.after(() => rmSync(folder, { recursive: true }))

/** What bash offers for the last of `words`. */
async function offered(...words: string[]): Promise<string[]> {
  const { output } = await runCli(['completion', 'bash'])
  const script = `${output}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
compopt() { :; }
weft() { echo '    "workload": "cart",'; }
_weft; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script], { encoding: 'utf8', cwd: folder }).split('\n').filter(Boolean)
}

test('bash offers commands, words of groups, options, choices, files and names of proxies', async () => {
  const first = [...new Set(commands.map(({ name }) => name.split(' ')[0]!))]
  assert.deepEqual(await offered('weft', ''), first)
  assert.deepEqual(await offered('weft', 'pro'), ['proxy'])
  assert.deepEqual(await offered('weft', 'proxy', ''), ['status', 'config'])
  assert.deepEqual(await offered('weft', 'proxy', 'config', 'c'), ['cart'])
  assert.deepEqual(await offered('weft', 'proxy', 'config', '--t'), ['--type'])
  assert.deepEqual(await offered('weft', 'proxy', 'config', 'cart', '--type', 'e'), ['endpoint'])
  assert.deepEqual(await offered('weft', 'version', '-o', ''), ['table', 'json', 'yaml'])
  assert.deepEqual(await offered('weft', 'completion', ''), ['bash', 'zsh', 'fish'])
  writeFileSync(join(folder, 'routes.yaml'), '')
  assert.deepEqual(await offered('weft', 'lint', 'rou'), ['routes.yaml'])
})

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`the script for ${shell} names every command and option, and the shell can read it`, async () => {
    const { code, output } = await runCli(['completion', shell])
    assert.equal(code, 0)
    for (const { name, options } of commands) {
      for (const word of name.split(' ')) assert.ok(output.includes(word), word)
      for (const option of options) assert.ok(output.includes(option.name), option.name)
    }
    const file = join(folder, `weft.${shell}`)
    writeFileSync(file, output)
    const read = spawnSync(shell, [shell === 'fish' ? '--no-execute' : '-n', file], { encoding: 'utf8' })
    // A machine without that shell checks the words alone.
    if (read.error) assert.equal((read.error as NodeJS.ErrnoException).code, 'ENOENT')
    else assert.deepEqual([read.status, read.stderr], [0, ''])
  })
}
