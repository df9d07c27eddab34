/** Requests as a client might send them, a careless one or an attacker. */
import type { Random } from '#/std/random.ts'
import { pickIndex } from '#/std/random.ts'
import { MessageGrammar } from './message-grammar.ts'

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
const hosts = ['a', 'a:80', '[::1]', '', 'a b', 'a,b', 'a/b', 'u@a', 'a:99999', 'a\t', '\xe4']

const upgrades = ['websocket', 'h2c', 'h2c, websocket', '', 'a/1', 'a b', '"q"']

export class RequestGrammar {
  readonly #grammar: MessageGrammar

  constructor(random: Random) {
    this.#grammar = new MessageGrammar(random)
  }

  /** One to three requests behind one another, in Latin-1. */
  next(): string {
    const grammar = this.#grammar
    let text = ''
    const count = 1 + pickIndex(grammar.random, 3)
    for (let i = 0; i < count; i++) text += this.#request(i)
    return grammar.bend(text)
  }

  #request(index: number): string {
    const grammar = this.#grammar
    const { fields, body } = grammar.body()
    if (grammar.chance(0.98)) fields.unshift(`Host:${grammar.chance(0.9) ? ' ' : ''}${grammar.pick(hosts, 3)}`)
    if (grammar.chance(0.05)) fields.push('Expect: 100-continue')
    if (grammar.chance(0.05)) fields.push(`Upgrade: ${grammar.pick(upgrades, 2)}`)
    if (grammar.chance(0.05)) fields.push('Connection: Upgrade')
    const line = `${grammar.pick(methods, 7)} ${grammar.pick(targets, 2)} ${grammar.pick(versions, 4)}`
    const before = grammar.chance(0.03) ? '\r\n' : ''
    return `${before}${grammar.head(line, fields)}X-Index: ${index}\r\n${grammar.lineEnd()}${body}`
  }
}
