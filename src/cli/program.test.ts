import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from './commands.ts'
import { buildProgram } from './program.ts'
import { runCli } from './testing/run-cli.ts'

/** Words of an example as a shell would split them; examples use no quotes. */
function wordsOf(line: string): string[] {
  const words = line.split(' ')
  assert.ok(words[0] === 'weft' || (words[0] === 'sudo' && words[1] === 'weft'), line)
  return words.slice(words.indexOf('weft') + 1)
}

for (const command of commands) {
  test(`\`weft ${command.name} --help\` shows summary, options, examples and exit codes`, async () => {
    const { code, output } = await runCli([...command.name.split(' '), '--help'])
    assert.equal(code, 0)
    assert.ok(output.toLowerCase().replace(/\s+/g, ' ').includes(command.summary.toLowerCase()), output)
    for (const { name } of command.options) assert.ok(output.includes(`--${name}`), name)
    assert.ok(command.examples.length > 0)
    for (const { line, does } of command.examples) assert.ok(output.includes(`$ ${line}\n      ${does}`), line)
    assert.match(output, /Exit codes:\n {2}0 {2}all is well/)
  })

  for (const { line } of command.examples) {
    test(`the example \`${line}\` is a command line of ${command.name}`, async () => {
      const run: string[] = []
      const paper = { write: (text: string) => assert.fail(text), isTerminal: false, columns: 100, hasColor: false }
      const surroundings = { environment: {}, folder: '/', output: paper, errors: paper }
      const program = buildProgram(surroundings, async ({ name }) => void run.push(name))
      await program.parseAsync(wordsOf(line), { from: 'user' })
      assert.deepEqual(run, [command.name])
    })
  }
}

test('wrong words are told with the nearest right ones, and exit with 2', async () => {
  const unknown = await runCli(['lnt'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.errors, /unknown command 'lnt'\n\(Did you mean lint\?\)/)
  assert.equal((await runCli(['version', '--outptu', 'json'])).code, 2)
  assert.equal((await runCli(['version', '-o', 'xml'])).code, 2)
  assert.equal((await runCli(['lint'])).code, 2)
  assert.equal((await runCli(['version', 'more'])).code, 2)
  assert.equal((await runCli(['proxy'])).code, 2)
})

test('help and version exit with 0', async () => {
  assert.equal((await runCli(['--help'])).code, 0)
  assert.equal((await runCli(['help', 'lint'])).code, 0)
  assert.match((await runCli(['--version'])).output, /^\d+\.\d+\.\d+\n$/)
})

test('version is printed for people, as JSON and as YAML', async () => {
  assert.match((await runCli(['version'])).output, /^weft \d+\.\d+\.\d+ \(Node \d+/)
  assert.equal(JSON.parse((await runCli(['version', '-o', 'json'])).output).node, process.versions.node)
  assert.match((await runCli(['version', '--output', 'yaml'])).output, /^version: \d+\.\d+\.\d+\nnode: /)
})

test('without a control plane the commands that need one exit with 3 and say what to do', async () => {
  const nowhere = await runCli(['proxy', 'status'])
  assert.equal(nowhere.code, 3)
  assert.match(nowhere.errors, /^weft: no control plane is known here\nStart a mesh with `weft up DIR`/)
  const away = await runCli(['proxy', 'status', '--control', 'http://127.0.0.1:1'])
  assert.equal(away.code, 3)
  const environment = { WEFT_CONTROL: '???' }
  assert.equal((await runCli(['proxy', 'status'], { environment })).code, 2)
})

test('`weft up` of what is no directory exits with 2', async () => {
  const { code, errors } = await runCli(['up', 'no/such/folder'])
  assert.equal(code, 2)
  assert.match(errors, /no\/such\/folder is no directory/)
  const setting = await runCli(['up', '.', '--drain-delay-ms', 'soon'])
  assert.equal(setting.code, 2)
  assert.match(setting.errors, /--drain-delay-ms soon: expected a whole number/)
})
