/**
 * Wrong YAML and the fault that it must give. The first line of each file says it: `# expects CODE at LINE FIELD`. Every
 * fault has a file, a line and a cure, and no file disturbs a right one beside it.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readOnce } from '#/control/source/file-source.ts'
import { translate } from '#/control/translate/translate.ts'

const folder = fileURLToPath(new URL('./cases/', import.meta.url))
const right = fileURLToPath(new URL('./right.yaml', import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

function faultsOf(places: readonly string[]) {
  const { resources, faults } = readOnce(places)
  const translation = translate(resources)
  return { faults: [...faults, ...translation.faults], mesh: translation.mesh }
}

test('there are more than thirty ways to be wrong, and the right file has no fault', () => {
  assert.ok(files.length > 30)
  assert.deepEqual(faultsOf([right]).faults, [])
})

for (const name of files) {
  const path = folder + name
  const text = readFileSync(path, 'utf8')
  const [, code, line, field = ''] = /^# expects (\S+) at (\d+)(?: (.*))?$/m.exec(text) ?? []
  test(`${name.replace('.yaml', '')}: ${code} at line ${line} ${field}`, () => {
    const { faults, mesh } = faultsOf([path, right])
    const shown = JSON.stringify(faults, null, 1)
    const found = faults.find(
      (fault) => fault.code === code && fault.origin.line === Number(line) && fault.field === field,
    )
    assert.ok(found, `no such fault among ${shown}`)
    assert.equal(found.origin.file, path)
    for (const fault of faults)
      assert.ok(fault.message.length > 5 && fault.cure.length > 5 && fault.origin.line > 0, shown)
    assert.ok(mesh.routes.has('unharmed.right.svc.cluster.local:80'), 'the right file beside it is in force')
    const rules = mesh.routes
      .get('unharmed.right.svc.cluster.local:80')!
      .virtualHosts[0]!.routes.map(({ rule }) => rule?.name)
    assert.ok(rules.includes('unharmed'))
  })
}
