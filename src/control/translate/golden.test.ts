// Pairs in testdata: NAME.in.yaml (real objects) and NAME.out.yaml (what translation makes of them). UPDATE=1 writes the
// outputs anew; read them as if somebody else had written them.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkInvariants } from './testing/invariant.ts'
import { readResources } from './testing/read-resources.ts'
import { renderTranslation } from './testing/render.ts'
import { translate } from './translate.ts'

const folder = join(import.meta.dirname, 'testdata')
const isUpdate = process.env.UPDATE === '1'
const files = readdirSync(folder)
const inputs = files.filter((file) => file.endsWith('.in.yaml'))

for (const input of inputs) {
  const name = input.slice(0, -'.in.yaml'.length)
  test(name.replaceAll('-', ' '), () => {
    const text = readFileSync(join(folder, input), 'utf8')
    const resources = readResources(text, input)
    const translation = translate(resources, { trustDomain: 'cluster.local' })
    checkInvariants(resources, translation)
    const again = translate(readResources(text, input), { previous: translation, trustDomain: 'cluster.local' })
    assert.equal(again, translation, 'equal objects give the same outcome by identity')
    const rendered = renderTranslation(translation)
    const output = join(folder, `${name}.out.yaml`)
    if (isUpdate) writeFileSync(output, rendered)
    assert.ok(existsSync(output), `${name}.out.yaml is missing: run with UPDATE=1 and read it`)
    assert.equal(rendered, readFileSync(output, 'utf8'))
  })
}

test('every golden output has its input, and there are enough of them', () => {
  const known = new Set(inputs.flatMap((input) => [input, input.replace(/\.in\.yaml$/, '.out.yaml')]))
  assert.deepEqual(
    files.filter((file) => !known.has(file)),
    [],
  )
  assert.ok(inputs.length >= 40)
})
