/** What requests and answers have in common, as a peer might send it, a careless one or an attacker: legal mostly, then bent. */
import type { Random } from '#/std/random.ts'
import { pickIndex } from '#/std/random.ts'

const lineEnds = ['\n', '\r', '\r\r\n', '\n\r\n', '\r\n ', '\r\n\t', '\0\r\n', '']
const lengths = [
  '0',
  '3',
  '5',
  '05',
  '+5',
  '-5',
  '5 ',
  ' 5',
  '5,5',
  '0x5',
  '5.0',
  '',
  '18446744073709551621',
  '5\t',
  '\x0b5',
]
const codings = [
  'chunked',
  'Chunked',
  'chunked ',
  ' chunked',
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  'xchunked',
  '\x0bchunked',
  'chunked\0',
  '"chunked"',
  '',
  ',chunked',
  'chunked;q=1',
]
const names = [
  'X-A',
  'x_b',
  'Accept',
  'Cookie',
  'X A',
  'X:A',
  'X\t',
  'X ',
  ' X',
  'X\0',
  '\xe4',
  '',
  'Content-Length',
  'Transfer-Encoding',
  'Host',
  'Expect',
  'Trailer',
  'TE',
  'Keep-Alive',
]
const values = [
  '1',
  'a b',
  ' x ',
  '',
  '\xe4\xff',
  'a\0',
  'a\x01',
  'a\x7f',
  'a\rb',
  'a:b',
  '\t',
  '"q"',
  '100-continue',
  'chunked',
  '3',
]
const connections = ['close', 'keep-alive', 'Close', 'x-a', 'x-a, close', '', 'keep-alive, close', 'closed']
const sizes = [
  '3',
  '03',
  '3;x',
  '3;x=y',
  '3;x="y"',
  '3; x',
  '3 ',
  ' 3',
  '0x3',
  '+3',
  '-3',
  '3;',
  '3;=',
  'g',
  '',
  '00000000000000003',
  '10000000000000003',
  '3;x="',
  '3\t',
]
const junkBytes = '\0\t\n\r\x0b\x1f !"#(),/:;=?@[\\]{}\x7f\x80\xa0\xff0159aAfFgG-+_.'

export class MessageGrammar {
  readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  chance(share: number): boolean {
    return this.random() < share
  }

  /** A legal choice (the first few of a list) mostly, anything of it at times. */
  pick(list: readonly string[], legalCount = 1): string {
    return list[this.chance(0.93) ? pickIndex(this.random, legalCount) : pickIndex(this.random, list.length)]!
  }

  lineEnd(): string {
    return this.chance(0.985) ? '\r\n' : lineEnds[pickIndex(this.random, lineEnds.length)]!
  }

  /** The first line and the fields, in any order, without the empty line. */
  head(firstLine: string, fields: string[]): string {
    if (this.chance(0.2)) fields.push(`Connection: ${this.pick(connections, 2)}`)
    for (let i = pickIndex(this.random, 3); i > 0; i--) fields.push(this.#plainField())
    if (this.chance(0.3)) fields.sort(() => this.random() - 0.5)
    let head = firstLine + this.lineEnd()
    for (const field of fields) head += field + this.lineEnd()
    return head
  }

  /** The fields that frame a body, and the body. */
  body(): { fields: string[]; body: string } {
    if (this.chance(0.4)) return { fields: [], body: '' }
    const isBoth = this.chance(0.03)
    if (this.chance(0.5) && !isBoth) {
      const length = this.pick(lengths, 3)
      const content = 'hello'.slice(0, Number.parseInt(length, 10) || 0)
      const fields = [`Content-Length: ${length}`]
      if (this.chance(0.03)) fields.push(`Content-Length: ${this.pick(lengths, 3)}`)
      return { fields, body: content }
    }
    const fields = [`Transfer-Encoding:${this.chance(0.9) ? ' ' : ''}${this.pick(codings, 2)}`]
    if (isBoth) fields.push(`Content-Length: ${this.pick(lengths, 3)}`)
    return { fields, body: this.#chunks() }
  }

  /** In two of five cases: one or two places where a byte is changed, put in, taken out, or a piece doubled. */
  bend(text: string): string {
    let bent = text
    for (let i = this.chance(0.4) ? 1 + pickIndex(this.random, 2) : 0; i > 0; i--) bent = this.#edit(bent)
    return bent
  }

  #plainField(): string {
    return `${this.pick(names, 4)}: ${this.pick(values, 5)}`
  }

  #chunks(): string {
    let body = ''
    for (let i = pickIndex(this.random, 3); i > 0; i--) {
      body += `${this.pick(sizes, 5)}${this.lineEnd()}abc${this.lineEnd()}`
    }
    body += `0${this.chance(0.05) ? ';last' : ''}${this.lineEnd()}`
    for (let i = this.chance(0.3) ? 1 + pickIndex(this.random, 2) : 0; i > 0; i--) {
      body += this.#plainField() + this.lineEnd()
    }
    return `${body}${this.lineEnd()}`
  }

  #edit(text: string): string {
    const at = pickIndex(this.random, text.length)
    const junk = junkBytes[pickIndex(this.random, junkBytes.length)]!
    switch (pickIndex(this.random, 4)) {
      case 0:
        return text.slice(0, at) + junk + text.slice(at + 1)
      case 1:
        return text.slice(0, at) + junk + text.slice(at)
      case 2:
        return text.slice(0, at) + text.slice(at + 1)
      default:
        return text.slice(0, at) + text.slice(Math.max(0, at - pickIndex(this.random, 12)))
    }
  }
}
