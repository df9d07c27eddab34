/** Answers as an endpoint might send them, a careless one or one that is hostile. */
import type { Random } from '#/std/random.ts'
import { pickIndex } from '#/std/random.ts'
import { MessageGrammar } from './message-grammar.ts'

const versions = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.11', '']
const statuses = ['200', '204', '304', '404', '503', '100', '102', '101', '199', '099', '600', '20', '2000', '+20', '']
const reasons = [' OK', ' ', '', ' \xe4', ' a\0b', ' a\tb', ' a\rb', '\tOK', '  ']
const surpluses = ['', '', 'x', '\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']

export interface GrownAnswer {
  /** Of the request. */
  method: 'GET' | 'HEAD'
  /** Latin-1. */
  text: string
  /** Whether the endpoint closes its side behind it. */
  isEnded: boolean
}

export class AnswerGrammar {
  readonly #grammar: MessageGrammar

  constructor(random: Random) {
    this.#grammar = new MessageGrammar(random)
  }

  /** Some interim answers, the answer, and at times something behind it. */
  next(): GrownAnswer {
    const grammar = this.#grammar
    let text = ''
    while (grammar.chance(0.1)) text += `${grammar.head('HTTP/1.1 103 Early Hints', [])}${grammar.lineEnd()}`
    const { fields, body } = grammar.body()
    const line = `${grammar.pick(versions, 4)} ${grammar.pick(statuses, 5)}${grammar.pick(reasons, 4)}`
    text += `${grammar.head(line, fields)}X-Index: 0\r\n${grammar.lineEnd()}${body}`
    if (grammar.chance(0.1)) text += surpluses[pickIndex(grammar.random, surpluses.length)]!
    return { method: grammar.chance(0.1) ? 'HEAD' : 'GET', text: grammar.bend(text), isEnded: grammar.chance(0.6) }
  }
}
