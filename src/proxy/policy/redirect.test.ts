import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PathMatch, RedirectAction } from '#/model/route.ts'
import { requestHead } from '../route/testing/request-head.ts'
import { compilePathRewrite } from './path-rewrite.ts'
import { redirectLocation } from './redirect.ts'

interface Case {
  action: Omit<Partial<RedirectAction>, 'type'>
  authority?: string
  scheme?: 'http' | 'https'
  path?: string
  match?: PathMatch
}

function locate({ action, authority = 'example.org', scheme = 'http', path = '/x?q=1', match }: Case): string {
  const full: RedirectAction = { type: 'redirect', status: 302, ...action }
  const rewrite =
    action.path && compilePathRewrite(action.path, match ?? { type: 'segment-prefix', value: '/' }, 'test')
  return redirectLocation(requestHead({ authority, scheme, path }), full, rewrite)
}

const cases: [string, Case, string][] = [
  ['nothing given keeps everything', { action: {} }, 'http://example.org/x?q=1'],
  ['the port that was called stays', { action: {}, authority: 'example.org:8080' }, 'http://example.org:8080/x?q=1'],
  ['port 80 is left out for http', { action: { port: 80 }, authority: 'example.org:8080' }, 'http://example.org/x?q=1'],
  ['port 8080 is written', { action: { port: 8080 } }, 'http://example.org:8080/x?q=1'],
  [
    'a scheme alone keeps an unusual port',
    { action: { scheme: 'https' }, authority: 'example.org:8080' },
    'https://example.org:8080/x?q=1',
  ],
  [
    'a scheme drops the port of the scheme before it',
    { action: { scheme: 'https' }, authority: 'example.org:80' },
    'https://example.org/x?q=1',
  ],
  ['port 443 is left out for https', { action: { scheme: 'https', port: 443 } }, 'https://example.org/x?q=1'],
  ['port 8443 is written', { action: { scheme: 'https', port: 8443 } }, 'https://example.org:8443/x?q=1'],
  ['port 80 is written for https', { action: { scheme: 'https', port: 80 } }, 'https://example.org:80/x?q=1'],
  ['an https request stays https without a port', { action: {}, scheme: 'https' }, 'https://example.org/x?q=1'],
  ['https to http drops 443', { action: { scheme: 'http' }, scheme: 'https' }, 'http://example.org/x?q=1'],
  ['https with port 8443 writes it', { action: { port: 8443 }, scheme: 'https' }, 'https://example.org:8443/x?q=1'],
  [
    'a host comes without the port that was called',
    { action: { host: 'new.org' }, authority: 'example.org:8080' },
    'http://new.org/x?q=1',
  ],
  [
    'a host comes with the port that is given',
    { action: { host: 'new.org', port: 8080 }, authority: 'example.org:8080' },
    'http://new.org:8080/x?q=1',
  ],
  ['brackets of an address stay', { action: { port: 9000 }, authority: '[::1]:8080' }, 'http://[::1]:9000/x?q=1'],
  ['an address without port', { action: {}, authority: '[::1]' }, 'http://[::1]/x?q=1'],
  [
    'a prefix is replaced and the query kept',
    {
      action: { path: { type: 'prefix', value: '/new' } },
      match: { type: 'segment-prefix', value: '/old' },
      path: '/old/lemon?q=1',
    },
    'http://example.org/new/lemon?q=1',
  ],
  ['a full path keeps the query', { action: { path: { type: 'full', value: '/f' } } }, 'http://example.org/f?q=1'],
]

for (const [title, given, expected] of cases) test(title, () => assert.equal(locate(given), expected))
