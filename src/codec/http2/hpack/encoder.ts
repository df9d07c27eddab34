/** HPACK encoding without a dynamic table: enough for the few header blocks of a long-lived stream. */
import { staticTable } from './tables.ts'

const exact = new Map(staticTable.map(([name, value], index) => [`${name}\0${value}`, index + 1]))
const names = new Map<string, number>()
staticTable.forEach(([name], index) => {
  if (!names.has(name)) names.set(name, index + 1)
})

function pushInteger(bytes: number[], value: number, prefixBits: number, flags: number): void {
  const max = (1 << prefixBits) - 1
  if (value < max) {
    bytes.push(flags | value)
    return
  }
  bytes.push(flags | max)
  let rest = value - max
  while (rest >= 128) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
}

function pushString(bytes: number[], text: string): void {
  const encoded = Buffer.from(text, 'latin1')
  pushInteger(bytes, encoded.length, 7, 0)
  for (const byte of encoded) bytes.push(byte)
}

/** Encodes name, value, name, value. Nothing enters the peer's dynamic table. */
export function encodeHeaderBlock(list: readonly string[]): Buffer {
  const bytes: number[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!
    const value = list[i + 1]!
    const whole = exact.get(`${name}\0${value}`)
    if (whole !== undefined) {
      pushInteger(bytes, whole, 7, 0x80)
      continue
    }
    pushInteger(bytes, names.get(name) ?? 0, 4, 0)
    if (!names.has(name)) pushString(bytes, name)
    pushString(bytes, value)
  }
  return Buffer.from(bytes)
}
