/**
 * RE2 regular expressions, which take time linear in their input: a user's pattern can't stall the proxy. The engine
 * costs 3.4 MB of resident memory, so it is loaded only when a configuration holds a pattern
 * (docs/decisions/0004-small-proxy.md).
 */
import type { PathRewrite, RouteConfiguration, RouteMatch } from '#/model/route.ts'

/** What is needed of a compiled pattern. */
export interface Pattern {
  /** The whole text matches, as Gateway API's and Envoy's `safe_regex` ask. */
  testExact(text: string): boolean
  /** Every piece that matches is replaced; `\1` in `substitution` is a group, `\0` the piece, `\\` a backslash. */
  replaceAll(text: string, substitution: string): string
}

type Engine = typeof import('re2js')

let engine: Engine | undefined

/** Loads the engine; at once when it is there. */
export async function loadRegex(): Promise<void> {
  engine ??= await import('re2js')
}

/** A pattern that a configuration should not hold; the message names the route and the field. */
export class RouteConfigurationError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'RouteConfigurationError'
  }
}

/**
 * Compiles a pattern of RE2's syntax.
 * @param place what holds it, for the message of a fault: `route X: match.path`.
 * @throws RouteConfigurationError when the pattern is no RE2, or `loadRegex` was not awaited before.
 */
export function compileRegex(pattern: string, place: string): Pattern {
  if (!engine) throw new RouteConfigurationError(`${place}: await prepareRoutes before compiling regular expressions`)
  try {
    return new Re2Pattern(engine.RE2JS.compile(pattern))
  } catch (error) {
    throw new RouteConfigurationError(`${place}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

class Re2Pattern implements Pattern {
  readonly #re: InstanceType<Engine['RE2JS']>

  constructor(re: InstanceType<Engine['RE2JS']>) {
    this.#re = re
  }

  testExact(text: string): boolean {
    return this.#re.testExact(text)
  }

  replaceAll(text: string, substitution: string): string {
    const matcher = this.#re.matcher(text)
    let replaced = ''
    let from = 0
    while (matcher.find()) {
      replaced += text.slice(from, matcher.start())
      for (let i = 0; i < substitution.length; i++) {
        const char = substitution[i]!
        const next = substitution[i + 1]
        if (char !== '\\' || next === undefined) replaced += char
        else {
          i++
          const group = next.charCodeAt(0) - 48
          if (group < 0 || group > 9) replaced += next
          else if (group <= matcher.groupCount()) replaced += matcher.group(group) ?? ''
        }
      }
      from = matcher.end()
    }
    return replaced + text.slice(from)
  }
}

/** Whether compiling the configuration needs the engine. */
export function hasRegex(configuration: RouteConfiguration): boolean {
  return configuration.virtualHosts.some((host) =>
    host.routes.some((route) => matchHasRegex(route.match) || rewriteHasRegex(rewriteOf(route.action))),
  )
}

function matchHasRegex({ path, headers, query }: RouteMatch): boolean {
  return [path, ...headers, ...query].some((match) => match.type === 'regex')
}

function rewriteOf(action: RouteConfiguration['virtualHosts'][number]['routes'][number]['action']) {
  if (action.type === 'forward') return action.rewrite?.path
  return action.type === 'redirect' ? action.path : undefined
}

function rewriteHasRegex(rewrite: PathRewrite | undefined): boolean {
  return rewrite?.type === 'regex'
}
