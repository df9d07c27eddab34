/**
 * JSON objects that can be read in one way only. RFC 7519, section 4 and RFC 7515, section 4 let a reader refuse names that
 * stand twice: where two programs took different ones, a token would say different things to them.
 */

export type JsonObject = Readonly<Record<string, unknown>>

const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a

/** @returns undefined for what is no JSON object, or has a name twice. */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return hasNameTwice(text) ? undefined : (value as JsonObject)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

/** @param text that is JSON, so that only strings and brackets matter here. */
function hasNameTwice(text: string): boolean {
  // Undefined for a list.
  const scopes: (Set<string> | undefined)[] = []
  let mayBeName = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === openBrace) {
      scopes.push(new Set())
      mayBeName = true
    } else if (code === openBracket) scopes.push(undefined)
    else if (code === closeBrace || code === closeBracket) scopes.pop()
    else if (code === comma) mayBeName = true
    else if (code === colon) mayBeName = false
    else if (code === quote) {
      const end = endOfString(text, at)
      const names = mayBeName ? scopes.at(-1) : undefined
      if (names) {
        const name = JSON.parse(text.slice(at, end + 1)) as string
        if (names.has(name)) return true
        names.add(name)
      }
      at = end
    }
  }
  return false
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1
  return at
}
