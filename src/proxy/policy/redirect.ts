/** The `Location` of a redirect (Gateway API HTTPRequestRedirectFilter). */
import type { RequestHead } from '#/codec/message.ts'
import type { RedirectAction } from '#/model/route.ts'
import { type CompiledPathRewrite, rewritePath } from './path-rewrite.ts'

const wellKnownPorts = { http: 80, https: 443 } as const

/**
 * An absolute URL. Port: the one configured; else the well-known one of the configured scheme; else the one the client
 * called, which its authority tells (Gateway API's "listener port": for a Service parent, the Service's port). A port
 * that is the well-known one of the URL's scheme is left out. The query is kept.
 * @param pathRewrite the compiled `action.path`, undefined to keep the path.
 */
export function redirectLocation(
  head: RequestHead,
  action: RedirectAction,
  pathRewrite: CompiledPathRewrite | undefined,
): string {
  const { host: calledHost, port: calledPort } = splitAuthority(head.authority)
  const scheme = action.scheme ?? head.scheme
  const host = action.host ?? calledHost
  const port =
    action.port ?? (action.scheme ? wellKnownPorts[action.scheme] : calledPort || wellKnownPorts[head.scheme])
  const written = port === wellKnownPorts[scheme] ? '' : `:${port}`
  return `${scheme}://${host}${written}${pathRewrite ? rewritePath(pathRewrite, head.path) : head.path}`
}

/** Brackets of an IPv6 address stay. Port 0 when none is written. */
function splitAuthority(authority: string): { host: string; port: number } {
  const colon = authority.lastIndexOf(':')
  if (colon <= authority.lastIndexOf(']')) return { host: authority, port: 0 }
  return { host: authority.slice(0, colon), port: Number(authority.slice(colon + 1)) || 0 }
}
