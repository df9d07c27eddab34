/** Characters and small grammars of RFC 9110 section 5.6, RFC 9112 and RFC 3986. */

const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

/** `tchar`, by byte: 1 for what a token may hold (RFC 9110 section 5.6.2). */
export const tokenTable = tableOf(`!#$%&'*+-.^_\`|~${alphanumeric}`)

/** `reg-name` of RFC 3986 section 3.2.2 without the comma, so that a host can't be taken for a list. */
const regNameTable = tableOf(`-._~!$&'()*+;=%${alphanumeric}`)

const addressTable = tableOf('0123456789ABCDEFabcdef:.')

function isAllOf(table: Uint8Array, text: string, start: number, end: number): boolean {
  if (start >= end) return false
  for (let i = start; i < end; i++) if (table[text.charCodeAt(i)] !== 1) return false
  return true
}

export function isToken(text: string): boolean {
  return isAllOf(tokenTable, text, 0, text.length)
}

/**
 * What a field value may not hold (RFC 9110 section 5.5): control characters but tab, and whatever is no byte, since its low
 * byte alone would be written. A regular expression: on short strings it takes half the time of a loop over characters.
 */
const notInField = /[^\t\x20-\x7e\x80-\xff]/

export function isFieldText(text: string): boolean {
  return !notInField.test(text)
}

/** What a target may not hold: spaces, controls, anything outside ASCII, and a fragment (RFC 9112 section 3.2). */
const notInTarget = /[^\x21\x22\x24-\x7e]/

export function isTargetText(text: string): boolean {
  return text.length > 0 && !notInTarget.test(text)
}

/** Strips spaces and tabs (OWS) at both ends of a part of the text. */
export function trimOws(text: string, from = 0, to = text.length): string {
  let start = from
  let end = to
  while (start < end && isOws(text.charCodeAt(start))) start++
  while (end > start && isOws(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** A Content-Length of digits only, that a number can hold; -1 otherwise (RFC 9112 section 6.3). */
export function parseLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

/** `uri-host [":" port]`: what can't be mistaken for a path, userinfo or a list. */
export function isAuthority(text: string): boolean {
  if (text.charCodeAt(0) !== 0x5b) {
    const colon = text.indexOf(':')
    const end = colon < 0 ? text.length : colon
    return isAllOf(regNameTable, text, 0, end) && (colon < 0 || isPort(text, colon + 1))
  }
  const bracket = text.indexOf(']')
  if (bracket < 0 || !isAllOf(addressTable, text, 1, bracket)) return false
  return bracket === text.length - 1 || (text[bracket + 1] === ':' && isPort(text, bracket + 2))
}

/** Digits up to 65535; none is allowed too and means the scheme's own (RFC 3986 section 3.2.3). */
function isPort(text: string, start: number): boolean {
  if (start === text.length) return true
  const port = text.length - start <= 5 ? parseLength(text.slice(start)) : -1
  return port >= 0 && port <= 65_535
}

/** Lower-cased elements of a comma-separated list, empty ones left out (RFC 9110 section 5.6.1). */
export function listTokens(value: string): string[] {
  const tokens: string[] = []
  for (const part of value.split(',')) {
    const token = trimOws(part).toLowerCase()
    if (token !== '') tokens.push(token)
  }
  return tokens
}
