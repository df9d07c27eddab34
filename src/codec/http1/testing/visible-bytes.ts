/** Bytes that a person can read and write: `\r`, `\n`, `\t`, `\0`, `\\`, `\xHH`, and `\{text*COUNT}` for repetition. */

const escapes: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }

/** The line ends of the text itself are no bytes. @throws Error for an unknown escape. */
export function readVisible(text: string): Buffer {
  const pattern = /\\(?:\{([^*]*)\*(\d+)\}|x([0-9a-fA-F]{2})|(.))/g
  const bytes = text.replace(/\n/g, '').replace(pattern, (whole, repeated, count, hex, letter) => {
    if (repeated !== undefined) return String(repeated).repeat(Number(count))
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    const escaped = escapes[letter]
    if (escaped === undefined) throw new Error(`unknown escape ${whole}`)
    return escaped
  })
  return Buffer.from(bytes, 'latin1')
}

const names: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0', '\\': '\\\\' }

export function showBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(
      /[^\x20-\x5b\x5d-\x7e]/g,
      (character) => names[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
}
