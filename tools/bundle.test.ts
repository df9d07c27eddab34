import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bundle, forbiddenInputs } from './bundle.ts'

test("the proxy's bundle carries no module that costs every sidecar memory", async (t) => {
  const outdir = mkdtempSync(join(tmpdir(), 'weft-bundle-'))
  t.after(() => rmSync(outdir, { recursive: true }))
  const { inputs } = await bundle({ program: 'proxy', outdir })
  assert.ok(inputs.includes('src/main/proxy.ts'))
  assert.deepEqual(forbiddenInputs(inputs), [])
})

test('a forbidden module is told by its name', () => {
  const inputs = [
    'src/control/translate/translate.ts',
    'node_modules/zod/index.js',
    'node_modules/@bufbuild/protobuf/dist/esm/create.js',
    'node_modules/@bufbuild/protobuf/dist/esm/wire/varint.js',
    'src/proxy/outbound.ts',
  ]
  assert.deepEqual(forbiddenInputs(inputs), inputs.slice(0, 3))
})
