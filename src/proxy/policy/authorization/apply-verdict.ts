/** Carries out what an authorisation server allowed. */
import { isTargetText } from '#/codec/http1/syntax.ts'
import { getHeader, type HeaderList, type RequestHead, removeHeader, setHeader } from '#/codec/message.ts'
import type { Allowed, HeaderChange } from './verdict.ts'

export function changeHeaders(headers: HeaderList, changes: readonly HeaderChange[]): void {
  for (const { name, value, action } of changes) {
    const isThere = getHeader(headers, name) !== undefined
    if (action === 'append') headers.push(name, value)
    else if (action === 'set' || isThere === (action === 'set-if-present')) setHeader(headers, name, value)
  }
}

/** @returns what is wrong with the path that would come of it; empty when it was done. */
export function changeRequest(head: RequestHead, { headers, removed, paramsSet, paramsRemoved }: Allowed): string {
  if (paramsSet.length + paramsRemoved.length > 0) {
    const path = changeQuery(head.path, paramsSet, paramsRemoved)
    if (!isTargetText(path)) return 'it sets a parameter that no path may hold'
    head.path = path
  }
  for (const name of removed) removeHeader(head.headers, name)
  changeHeaders(head.headers, headers)
  return ''
}

/** What is not spoken of stays as it was written. */
function changeQuery(path: string, set: Allowed['paramsSet'], removed: readonly string[]): string {
  const mark = path.indexOf('?')
  const query = mark < 0 ? '' : path.slice(mark + 1)
  const gone = new Set([...removed, ...set.map(({ name }) => name)])
  const kept = query.split('&').filter((part) => part !== '' && !gone.has(nameOf(part)))
  const added = set.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  const all = [...kept, ...added].join('&')
  return `${mark < 0 ? path : path.slice(0, mark)}${all === '' ? '' : `?${all}`}`
}

function nameOf(part: string): string {
  const [name = ''] = part.split('=', 1)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return name
    throw error
  }
}
