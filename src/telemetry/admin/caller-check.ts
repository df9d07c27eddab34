/**
 * Who may use the admin endpoint. It listens on loopback, but a browser on the same machine can be made to call it: by a
 * page of another origin, or by a name that was pointed at 127.0.0.1 (DNS rebinding). Neither may pass.
 */
import { getHeader, type RequestHead } from '#/codec/message.ts'

const address = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i

/** @returns why the request is refused, undefined when it is not. */
export function refusal(head: RequestHead): string | undefined {
  const site = getHeader(head.headers, 'sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'called by a page of another origin'
  const origin = getHeader(head.headers, 'origin')
  if (origin !== undefined && origin !== `${head.scheme}://${head.authority}`) {
    return 'called by a page of another origin'
  }
  const colon = head.authority.lastIndexOf(':')
  const host = colon > head.authority.lastIndexOf(']') ? head.authority.slice(0, colon) : head.authority
  if (host === '' || host === 'localhost' || address.test(host)) return undefined
  return `called as ${JSON.stringify(host)}; use an address or localhost`
}
