/** Characters and small grammars of RFC 9110 section 5.6 and RFC 9112. */

const tokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const isTokenCode = new Uint8Array(256)
for (const character of tokenCharacters) isTokenCode[character.charCodeAt(0)] = 1

/** RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false
  for (let i = 0; i < text.length; i++) if (isTokenCode[text.charCodeAt(i)] !== 1) return false
  return true
}

/** A control character other than tab, a CR without LF, or an LF without CR: nothing that a head may hold (RFC 9112 section 2.2). */
export const forbiddenInHead = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

/** What no field may hold when we write it: it would end the field or the head. */
export const forbiddenInField = /[\r\n\0]/

/** Strips spaces and tabs at both ends (OWS). */
export function trimOws(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isOws(text.charCodeAt(start))) start++
  while (end > start && isOws(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
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

/** `uri-host [":" port]` loosely: what can't be mistaken for a path, userinfo or a list. */
export function isAuthority(text: string): boolean {
  return /^(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~!$&'()*+;=%-]+)(?::[0-9]{0,5})?$/.test(text)
}

/** Lower-cased tokens of a comma-separated list, empty elements left out. */
export function listTokens(value: string): string[] {
  return value
    .split(',')
    .map((part) => trimOws(part).toLowerCase())
    .filter((part) => part !== '')
}
