/** Requests as a client, a careless one or an attacker might send them: legal ones, then bent in a few places. */
import type { Random } from '#/std/random.ts'
import { pickIndex } from '#/std/random.ts'

const methods = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'get', 'FOO', 'G,T', '']
const targets = [
  '/',
  '/a?b=c',
  '*',
  'http://b/x',
  'http://b',
  'HTTP://b:80/?q',
  'https://b/',
  '//x',
  '/a#b',
  '/\xe4',
  'a',
  '',
]
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  '',
]
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
const hosts = ['a', 'a:80', '[::1]', '', 'a b', 'a,b', 'a/b', 'u@a', 'a:99999', 'a\t', '\xe4']
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

export class RequestGrammar {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** One to three requests behind one another, in Latin-1. */
  next(): string {
    let text = ''
    const count = 1 + pickIndex(this.#random, 3)
    for (let i = 0; i < count; i++) text += this.#request(i)
    const edits = this.#chance(0.4) ? 1 + pickIndex(this.#random, 2) : 0
    for (let i = 0; i < edits; i++) text = this.#edit(text)
    return text
  }

  /** A legal choice (the first few of a list) mostly, anything of it at times. */
  #pick(list: readonly string[], legalCount = 1): string {
    return list[this.#chance(0.93) ? pickIndex(this.#random, legalCount) : pickIndex(this.#random, list.length)]!
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #lineEnd(): string {
    return this.#chance(0.985) ? '\r\n' : lineEnds[pickIndex(this.#random, lineEnds.length)]!
  }

  #request(index: number): string {
    const { lines, body } = this.#body()
    lines.unshift(`Host:${this.#chance(0.9) ? ' ' : ''}${this.#pick(hosts, 3)}`)
    if (this.#chance(0.02)) lines.shift()
    if (this.#chance(0.2)) lines.push(`Connection: ${this.#pick(connections, 2)}`)
    if (this.#chance(0.05)) lines.push('Expect: 100-continue')
    for (let i = pickIndex(this.#random, 3); i > 0; i--) lines.push(`${this.#pick(names, 4)}: ${this.#pick(values, 5)}`)
    if (this.#chance(0.3)) lines.sort(() => this.#random() - 0.5)
    let head = `${this.#pick(methods, 7)} ${this.#pick(targets, 2)} ${this.#pick(versions, 4)}${this.#lineEnd()}`
    for (const line of lines) head += line + this.#lineEnd()
    const before = this.#chance(0.03) ? '\r\n' : ''
    return `${before}${head}X-Index: ${index}\r\n${this.#lineEnd()}${body}`
  }

  #body(): { lines: string[]; body: string } {
    if (this.#chance(0.4)) return { lines: [], body: '' }
    const isBoth = this.#chance(0.03)
    if (this.#chance(0.5) && !isBoth) {
      const length = this.#pick(lengths, 3)
      const content = 'hello'.slice(0, Number.parseInt(length, 10) || 0)
      const lines = [`Content-Length: ${length}`]
      if (this.#chance(0.03)) lines.push(`Content-Length: ${this.#pick(lengths, 3)}`)
      return { lines, body: content }
    }
    const lines = [`Transfer-Encoding:${this.#chance(0.9) ? ' ' : ''}${this.#pick(codings, 2)}`]
    if (isBoth) lines.push(`Content-Length: ${this.#pick(lengths, 3)}`)
    return { lines, body: this.#chunks() }
  }

  #chunks(): string {
    let body = ''
    for (let i = pickIndex(this.#random, 3); i > 0; i--) {
      body += `${this.#pick(sizes, 5)}${this.#lineEnd()}abc${this.#lineEnd()}`
    }
    body += `0${this.#chance(0.05) ? ';last' : ''}${this.#lineEnd()}`
    for (let i = this.#chance(0.3) ? 1 + pickIndex(this.#random, 2) : 0; i > 0; i--) {
      body += `${this.#pick(names, 4)}: ${this.#pick(values, 5)}${this.#lineEnd()}`
    }
    return `${body}${this.#lineEnd()}`
  }

  /** A byte changed, put in, taken out, or a piece doubled. */
  #edit(text: string): string {
    const at = pickIndex(this.#random, text.length)
    const junk = junkBytes[pickIndex(this.#random, junkBytes.length)]!
    switch (pickIndex(this.#random, 4)) {
      case 0:
        return text.slice(0, at) + junk + text.slice(at + 1)
      case 1:
        return text.slice(0, at) + junk + text.slice(at)
      case 2:
        return text.slice(0, at) + text.slice(at + 1)
      default:
        return text.slice(0, at) + text.slice(Math.max(0, at - pickIndex(this.#random, 12)))
    }
  }
}
