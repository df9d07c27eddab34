/** The `Location` of a redirect (Gateway API HTTPRequestRedirectFilter). */
import type { RequestHead } from '#/codec/message.ts'
import type { RedirectAction } from '#/model/route.ts'
import { type CompiledPathRewrite, rewritePath } from './path-rewrite.ts'

const wellKnownPorts = { http: 80, https: 443 } as const

/**
 * An absolute URL. Port as in Envoy's RedirectAction: the one configured; else none beside a configured host; else the
 * client's own, unless the scheme changes and it was the well-known one of the old. Our control plane configures the port
 * wherever Gateway API asks for another (HTTPRequestRedirectFilter, `port`). A port that is the well-known one of the
 * URL's scheme is left out, as Gateway API asks; Envoy writes it. The query is kept.
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
  const isOldPort = scheme !== head.scheme && calledPort === wellKnownPorts[head.scheme]
  const port = action.port ?? (action.host || isOldPort ? 0 : calledPort)
  const written = port === 0 || port === wellKnownPorts[scheme] ? '' : `:${port}`
  return `${scheme}://${host}${written}${pathRewrite ? rewritePath(pathRewrite, head.path) : head.path}`
}

/** Brackets of an IPv6 address stay. Port 0 when none is written. */
function splitAuthority(authority: string): { host: string; port: number } {
  const colon = authority.lastIndexOf(':')
  if (colon <= authority.lastIndexOf(']')) return { host: authority, port: 0 }
  return { host: authority.slice(0, colon), port: Number(authority.slice(colon + 1)) || 0 }
}
