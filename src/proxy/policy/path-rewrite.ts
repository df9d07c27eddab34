/** The path that a rewrite or a redirect makes of a request's (Gateway API HTTPPathModifier; Envoy `regex_rewrite`). */
import type { PathMatch, PathRewrite } from '#/model/route.ts'
import { compileRegex, type Pattern } from '#/proxy/route/regex.ts'

/** Ready for use; the variants are those of `PathRewrite`. */
export type CompiledPathRewrite =
  | { readonly type: 'full'; readonly value: string }
  /** `matchedLength` characters are replaced, -1 for the whole path. */
  | { readonly type: 'prefix'; readonly value: string; readonly matchedLength: number }
  | { readonly type: 'regex'; readonly pattern: Pattern; readonly substitution: string }

/**
 * @param match what the prefix of a `prefix` rewrite is. For an exact match or a pattern that is the whole path.
 * @throws RouteConfigurationError when the pattern is no RE2.
 */
export function compilePathRewrite(rewrite: PathRewrite, match: PathMatch, place: string): CompiledPathRewrite {
  switch (rewrite.type) {
    case 'full':
      return { type: 'full', value: rewrite.value === '' ? '/' : rewrite.value }
    case 'regex':
      return {
        type: 'regex',
        pattern: compileRegex(rewrite.pattern, place),
        substitution: rewrite.substitution,
      }
    case 'prefix':
      return compilePrefix(rewrite.value, match)
  }
}

function compilePrefix(value: string, match: PathMatch): CompiledPathRewrite {
  switch (match.type) {
    // Whole segments are replaced by whole segments: a slash at the end of either means nothing (HTTPPathModifier,
    // `replacePrefixMatch`). What follows the prefix then starts with a slash, or is empty.
    case 'segment-prefix':
      return {
        type: 'prefix',
        value: withoutTrailingSlash(value),
        matchedLength: withoutTrailingSlash(match.value).length,
      }
    case 'prefix':
      return { type: 'prefix', value, matchedLength: match.value.length }
    case 'exact':
    case 'regex':
      return { type: 'prefix', value, matchedLength: -1 }
  }
}

function withoutTrailingSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

/**
 * @param path path with query; the query stays, unless the new path brings its own.
 * @returns the new path, always starting with a slash. `*` and the empty path of CONNECT stay as they are.
 */
export function rewritePath(rewrite: CompiledPathRewrite, path: string): string {
  if (path.charCodeAt(0) !== 0x2f) return path
  const end = path.indexOf('?')
  const bare = end < 0 ? path : path.slice(0, end)
  const changed = rewriteBare(rewrite, bare)
  const rooted = changed.charCodeAt(0) === 0x2f ? changed : `/${changed}`
  return end < 0 || rooted.includes('?') ? rooted : rooted + path.slice(end)
}

function rewriteBare(rewrite: CompiledPathRewrite, bare: string): string {
  switch (rewrite.type) {
    case 'full':
      return rewrite.value
    case 'prefix':
      return rewrite.matchedLength < 0 ? rewrite.value : rewrite.value + bare.slice(rewrite.matchedLength)
    case 'regex':
      return rewrite.pattern.replaceAll(bare, rewrite.substitution)
  }
}
