import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainPaths } from '#/model/path-rules.ts'
import { normalizePath } from './path-normal.ts'

/** Ways round a rule for `/admin`, by name; undefined is refused. */
const ways: readonly [name: string, path: string, plain: string | undefined][] = [
  ['nothing to do', '/admin', '/admin'],
  ['two slashes', '//admin', '/admin'],
  ['many slashes', '/a///admin//', '/a/admin/'],
  ['a dot segment', '/./admin', '/admin'],
  ['a dot segment at the end', '/admin/.', '/admin/'],
  ['a parent segment', '/public/../admin', '/admin'],
  ['a parent segment at the end', '/admin/x/..', '/admin/'],
  ['above the root', '/../../admin', '/admin'],
  ['an escaped dot', '/public/%2e%2E/admin', '/admin'],
  ['half an escaped parent', '/public/.%2e/admin', '/admin'],
  ['an escaped letter', '/%61dmin', '/admin'],
  ['an escaped tilde and dash', '/%7Ea%2db', '/~a-b'],
  ['small hexadecimal digits', '/caf%c3%a9', '/caf%C3%A9'],
  ['a parent behind two slashes', '/a//../b', '/a/b'],
  ['an escaped slash', '/public%2fadmin', undefined],
  ['an escaped slash in a parent', '/public/..%2Fadmin', undefined],
  ['an escaped backslash', '/public%5cadmin', undefined],
  ['a backslash', '/public\\admin', undefined],
  ['an escaped end of text', '/admin%00.png', undefined],
  ['a broken escape', '/adm%zzin', undefined],
  ['an escape cut short', '/admin%2', undefined],
  ['what is escaped twice stays escaped once', '/%2561dmin', '/%2561dmin'],
  ['names that begin with dots', '/.well-known/...', '/.well-known/...'],
  ['a query stays as it is', '/a/../b?x=/../%2f//', '/b?x=/../%2f//'],
  ['a query alone', '/a?next=%2fadmin', '/a?next=%2fadmin'],
]

for (const [name, path, plain] of ways)
  test(`${name}: ${path} is ${plain ?? 'refused'}`, () => {
    assert.equal(normalizePath(path, plainPaths), plain)
  })

test('a plain path stays plain', () => {
  for (const [, , plain] of ways) if (plain !== undefined) assert.equal(normalizePath(plain, plainPaths), plain)
})

test('what is not asked for is not done', () => {
  const rules = { isNormalized: false, mergesSlashes: false, escapedSlashes: 'keep' } as const
  for (const [, path] of ways) assert.equal(normalizePath(path, rules), path)
})
