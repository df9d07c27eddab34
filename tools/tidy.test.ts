import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closureOf, importsOf } from './tidy.ts'

test('reads imports across rooms, inside a room, dynamic ones and type-only ones', () => {
  const text = [
    "import { a } from '#/std/clock.ts'",
    "import type { B } from './b.ts'",
    "export { c } from '../c.ts'",
    "import 'yaml'",
    "const d = await import('re2js')",
  ].join('\n')
  assert.deepEqual(importsOf('src/model/x.ts', text), [
    'src/std/clock.ts',
    'type src/model/b.ts',
    'src/c.ts',
    'yaml',
    're2js',
  ])
})

test('follows what runs, not what is only typed', () => {
  const source = (path: string, imports: string[]) => [path, { path, text: '', imports }] as const
  const sources = new Map([
    source('src/main/proxy.ts', ['src/a.ts', 'type src/b.ts']),
    source('src/a.ts', ['node:http']),
    source('src/b.ts', ['zod']),
  ])
  assert.deepEqual([...closureOf('src/main/proxy.ts', sources).keys()], ['src/main/proxy.ts', 'src/a.ts', 'node:http'])
})
