/** The hash of a request by the first of the keys that it has. */
import type { RequestHead } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'
import type { HashKey } from '#/model/hash-key.ts'
import { queryValue } from '#/proxy/route/value-match.ts'
import { hashText } from './hash.ts'

/** @returns -1 when it has none: any endpoint will do. */
export function hashRequest(keys: readonly HashKey[], head: RequestHead, source: string): number {
  for (const key of keys) {
    const value = keyValue(key, head, source)
    if (value !== undefined && value !== '') return hashText(value)
  }
  return -1
}

function keyValue(key: HashKey, head: RequestHead, source: string): string | undefined {
  switch (key.type) {
    case 'header':
      return getHeader(head.headers, key.name)
    case 'cookie':
      return cookieOf(getHeader(head.headers, 'cookie'), key.name)
    case 'query':
      return queryValue(head.path, key.name)
    case 'path':
      return head.path
    case 'source':
      return source
  }
}

/** RFC 6265, section 4.2.1: `a=1; b=2`. */
function cookieOf(text: string | undefined, name: string): string | undefined {
  if (text === undefined) return undefined
  let at = 0
  while (at < text.length) {
    const end = text.indexOf(';', at)
    const stop = end < 0 ? text.length : end
    while (text.charCodeAt(at) === 0x20) at++
    if (text.startsWith(name, at) && text.charCodeAt(at + name.length) === 0x3d)
      return text.slice(at + name.length + 1, stop)
    at = stop + 1
  }
  return undefined
}
