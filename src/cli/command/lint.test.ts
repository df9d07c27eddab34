import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from '../testing/run-cli.ts'

const examples = fileURLToPath(new URL('../../../examples', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weft-lint-'))
after(() => rmSync(folder, { recursive: true }))

const service = `apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec: { selector: { app: cart }, ports: [{ port: 80 }] }
`
const brokenRoute = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: cart, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: cart }]
  rules:
    - backendRefs:
        - { name: missing, port: 80 }
`

test('the examples hold no fault', async () => {
  assert.deepEqual(await runCli(['lint', join(examples, 'shop'), join(examples, 'hello')]), {
    code: 0,
    output: '0 errors, 0 warnings\n',
    errors: '',
  })
})

test('a fault is shown with place, field and cure, and the exit code is 1', async () => {
  writeFileSync(join(folder, 'service.yaml'), service.replace('port: 80', 'port: 80000'))
  const { code, output } = await runCli(['lint', 'service.yaml'], { folder })
  assert.equal(code, 1)
  assert.match(
    output,
    /^service\.yaml:4:\d+: error [a-z-]+\n {2}spec\.ports\[0\]\.port: .+\n {2}.+\n\n1 error, 0 warnings\n$/,
  )
})

test('what only translation can know is found too', async () => {
  writeFileSync(join(folder, 'route.yaml'), `${service}---\n${brokenRoute}`)
  const { code, output } = await runCli(['lint', '-o', 'json', 'route.yaml'], { folder })
  assert.equal(code, 1)
  const fault = JSON.parse(output).find((one: { field: string }) =>
    one.field.startsWith('spec.rules[0].backendRefs[0]'),
  )
  assert.equal(fault.object, 'HTTPRoute/shop/cart')
  assert.deepEqual([fault.origin.file, fault.origin.line], ['route.yaml', 13])
})

test('warnings alone exit with 0, and with 1 when --strict asks for it', async () => {
  writeFileSync(join(folder, 'lonely.yaml'), service)
  const { code, output } = await runCli(['lint', 'lonely.yaml'], { folder })
  assert.equal(code, 0)
  assert.match(output, /warning/)
  assert.match(output, /0 errors, [1-9]\d* warnings?\n$/)
  assert.equal((await runCli(['lint', '--strict', 'lonely.yaml'], { folder })).code, 1)
})

test('a path that is not there exits with 2', async () => {
  const { code, errors } = await runCli(['lint', 'nowhere.yaml'], { folder })
  assert.equal(code, 2)
  assert.equal(errors, 'weft: there is no nowhere.yaml\n')
})
